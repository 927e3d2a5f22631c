"""Where requests go, as authors write it and as the host wants it."""

from urllib.parse import urlsplit

from wit_world.imports import types

from ._fields import pairs


def custom_origin(
    host, *, tls=True, port=None, sni=None, path_prefix="", connect_timeout_ms=None, read_timeout_ms=None, headers=None
):
    """An origin that is not in the edge's configuration; the filter's `grants.hosts` has to name it."""
    port = port or (443 if tls else 80)
    return types.Origin_Custom(
        types.CustomOrigin(host, port, tls, sni, path_prefix, connect_timeout_ms, read_timeout_ms, pairs(headers))
    )


def to_origin(given):
    """A name in the edge's configuration, an absolute URL, or what `custom_origin` made."""
    if isinstance(given, types.Origin_Custom):
        return given
    if not isinstance(given, str):
        raise TypeError("an origin is a name, as `app`, a URL, as `https://example.org`, or what `custom_origin` made")
    if not given.lower().startswith(("http://", "https://")):
        return types.Origin_Named(given)
    url = urlsplit(given)
    return custom_origin(url.hostname, tls=url.scheme == "https", port=url.port, path_prefix=url.path.rstrip("/"))


def from_origin(origin):
    """The host's form as authors see it: a name, or the parts."""
    return origin.value
