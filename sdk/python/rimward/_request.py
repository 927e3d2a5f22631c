"""The request being served. There is one at a time; the host has the only copy."""

from wit_world.imports import context, request as raw

from ._answer import redirect, respond, wanted
from ._fields import Fields
from ._host import ask
from ._origin import from_origin, to_origin


class _Query:
    """The query: `str(query)` as it came, `query.get(name)` one parameter."""

    def get(self, name, default=None):
        value = raw.query_param(name)
        return default if value is None else value

    def __str__(self):
        return raw.query() or ""


class _Cookies:
    def get(self, name, default=None):
        value = raw.cookie(name)
        return default if value is None else value


class _Vars:
    """Variables of this request, seen by later phases and by other filters."""

    def get(self, name, default=None):
        value = context.get_var(name)
        return default if value is None else value

    def __setitem__(self, name, value):
        context.set_var(name, str(value))


class Request:
    headers = Fields(raw)
    query = _Query()
    cookies = _Cookies()
    vars = _Vars()

    respond = staticmethod(respond)
    redirect = staticmethod(redirect)

    method = property(lambda self: raw.method())
    path = property(lambda self: raw.path())
    scheme = property(lambda self: raw.scheme())
    http_version = property(lambda self: raw.http_version())
    url = property(lambda self: f"{raw.scheme()}://{raw.host()}{raw.uri()}")
    id = property(lambda self: context.request_id())
    pop = property(lambda self: context.pop())
    client_ip = property(lambda self: context.client_ip())
    budget_us = property(lambda self: context.budget_us())
    phase = property(lambda self: context.current_phase().name.lower())

    @property
    def uri(self):
        return raw.uri()

    @uri.setter
    def uri(self, to):
        with ask("the uri"):
            raw.set_uri(to)

    @property
    def host(self):
        return raw.host()

    @host.setter
    def host(self, to):
        with ask("the host"):
            raw.set_host(to)

    @property
    def origin(self):
        return from_origin(raw.chosen_origin())

    @origin.setter
    def origin(self, to):
        with ask("the origin"):
            raw.set_origin(to_origin(to))

    def tls(self, field):
        return context.tls(field)

    def cache_key_part(self, label, value):
        with ask("the cache key"):
            raw.cache_key_part(label, str(value))

    def bypass_cache(self):
        with ask("passing the cache by"):
            raw.cache_bypass()

    def want_body(self, how):
        with ask("the request's body"):
            raw.want_body(wanted(how))


request = Request()
