"""Requests of the filter's own, to origins and hosts that its `grants` name."""

import json as _json
from urllib.parse import urlsplit

from wit_world.imports import request as _request, subrequest as _raw

from ._fields import Listed, pairs
from ._host import ask, to_bytes, to_json
from ._origin import to_origin


class Reply:
    def __init__(self, incoming):
        self.status = incoming.status
        self.headers = Listed(incoming.headers)
        self.body = incoming.body
        self.truncated = incoming.truncated

    @property
    def ok(self):
        return 200 <= self.status <= 299

    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return _json.loads(self.body)


class Pending:
    """A request that is on its way."""

    def __init__(self, outgoing):
        self._what = f"subrequest {outgoing.method} {outgoing.uri}"
        with ask(self._what):
            self._pending = _raw.start(outgoing)

    def wait(self):
        with ask(self._what):
            return Reply(self._pending.wait())


def _outgoing(
    uri, *, to=None, method="GET", headers=None, body=None, json=None, timeout_ms=500, max_body=0, cached=False
):
    base, path = _split(uri)
    fields = pairs(headers)
    if json is not None:
        fields.append(("content-type", "application/json"))
    content = to_bytes(body, "the body") if json is None else to_json(json)
    origin = to_origin(to or base) if to or base else _request.chosen_origin()
    return _raw.Outgoing(method, path, fields, content, origin, timeout_ms, max_body, cached)


def _split(uri):
    if not uri.lower().startswith(("http://", "https://")):
        return None, uri if uri.startswith("/") else f"/{uri}"
    url = urlsplit(uri)
    return f"{url.scheme}://{url.netloc}", (url.path or "/") + (f"?{url.query}" if url.query else "")


def subrequest(uri, **options):
    """Sends a request and waits for the response."""
    outgoing = _outgoing(uri, **options)
    with ask(f"subrequest {outgoing.method} {outgoing.uri}"):
        return Reply(_raw.send(outgoing))


def start(uri, **options):
    """Sends a request; `wait()` of what is returned waits for the response."""
    return Pending(_outgoing(uri, **options))


def all(requests):
    """Sends several at the same time and waits for all; an error of one is raised when all have ended."""
    waiting = [start(one) if isinstance(one, str) else start(**one) for one in requests]
    replies, failed = [], None
    for pending in waiting:
        try:
            replies.append(pending.wait())
        except Exception as error:
            failed = failed or error
    if failed:
        raise failed
    return replies


subrequest.start = start
subrequest.all = all
