"""`urllib.request`, by the edge: its requests go where the filter's configuration grants."""

import email.message
import http.client
import io
import os
import urllib.error
import urllib.request
import urllib.response
from urllib.parse import urlsplit

from componentize_py_types import Err
from wit_world.imports import subrequest, types

_MOST = 0xFFFFFFFF  # the edge's own limits hold


def install():
    """What `urlopen` uses from now on."""
    plain = type("Http", (urllib.request.HTTPHandler,), {"http_open": _open})
    base = getattr(urllib.request, "HTTPSHandler", urllib.request.AbstractHTTPHandler)
    secure = type("Https", (base,), {"__init__": lambda self: None, "https_open": _open})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), plain, secure)
    urllib.request.install_opener(opener)


def _open(_handler, request):
    url = urlsplit(request.full_url)
    try:
        incoming = subrequest.send(_outgoing(request, url))
    except Err as error:
        raise urllib.error.URLError(_reason(error.value)) from None
    if incoming.truncated:
        raise urllib.error.URLError("the response is larger than the limit `response_body`")
    headers = email.message.Message()
    for name, value in incoming.headers:
        headers[name] = value
    response = urllib.response.addinfourl(io.BytesIO(incoming.body), headers, request.full_url, incoming.status)
    response.msg = http.client.responses.get(incoming.status, "")
    return response


def _outgoing(request, url):
    tls = url.scheme == "https"
    port = url.port or (443 if tls else 80)
    origin = types.Origin_Custom(types.CustomOrigin(url.hostname, port, tls, None, "", None, None, []))
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    body = request.data or b""
    return subrequest.Outgoing(
        request.get_method(), path, request.header_items(), body, origin, _patience(request), _MOST, False
    )


def _patience(request):
    """Milliseconds: what the caller asks for, but no longer than a handler may run."""
    most = int(os.environ.get("RIMWARD_TIMEOUT_MS", "5000"))
    asked = getattr(request, "timeout", None)
    return min(most, int(asked * 1000)) if isinstance(asked, (int, float)) else most


def _reason(error):
    text = getattr(error, "value", None)
    kind = type(error).__name__.removeprefix("Error_").lower()
    return f"{kind}: {text}" if text else kind
