"""The response on its way to the store (origin_response) or to the client (response), and pieces of bodies."""

from wit_world.imports import body as raw_body, response as raw, types

from ._answer import respond, wanted
from ._fields import Fields
from ._host import ask, to_bytes


class Response:
    headers = Fields(raw)

    respond = staticmethod(respond)

    cache_result = property(lambda self: raw.cache_result().name.lower())

    @property
    def status(self):
        return raw.status()

    @status.setter
    def status(self, to):
        with ask("the status"):
            raw.set_status(to)

    def cache_for(self, seconds, *, stale_while_revalidate=0, stale_if_error=0):
        with ask("the lifetime"):
            raw.cache_for(seconds, stale_while_revalidate, stale_if_error)

    def cache_never(self):
        with ask("the lifetime"):
            raw.cache_never()

    def surrogate_keys(self, *keys):
        with ask("the surrogate keys"):
            raw.surrogate_keys([str(key) for key in keys])

    def want_body(self, how):
        with ask("the response's body"):
            raw.want_body(wanted(how))

    def replace_body(self, body):
        """The verdict "send this body instead"."""
        return types.Verdict_ReplaceBody(to_bytes(body, "the body"))


class Chunk:
    """The piece of a body that is just being shown. Its bytes stay in the host until they are read."""

    offset = property(lambda self: raw_body.offset())
    is_last = property(lambda self: raw_body.is_last())

    def __len__(self):
        return raw_body.len()

    def bytes(self, at=0, max=None):
        return raw_body.read(at, raw_body.len() if max is None else max)

    def text(self):
        return self.bytes().decode("utf-8", "replace")

    def hold(self):
        """The verdict "show it again, longer, with what comes next"."""
        return types.ChunkVerdict_Hold()

    def drop(self):
        """The verdict "send nothing of it"."""
        return types.ChunkVerdict_Drop()


response = Response()
chunk = Chunk()
