"""Responses that a filter makes, and how much of a body it wants to see."""

from wit_world.imports import types

from ._fields import pairs
from ._host import to_bytes, to_json


def respond(status=200, headers=None, body=None, *, json=None, cache_ttl=None):
    """The verdict "answer with this"."""
    fields = pairs(headers)
    if json is not None and not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("content-type", "application/json"))
    content = to_bytes(body, "the body") if json is None else to_json(json)
    return types.Verdict_Respond(types.Synthetic(status, fields, content, cache_ttl))


def redirect(location, status=302):
    """The verdict "send the client there"."""
    return respond(status, {"location": location})


def wanted(how):
    """`"chunks"`, a number of bytes to hold back and show at once, or `"none"`."""
    if how == "chunks":
        return types.BodyWant_Chunks()
    if how == "none":
        return types.BodyWant_None_()
    if isinstance(how, int) and how > 0:
        return types.BodyWant_Buffered(how)
    raise TypeError('what is wanted of a body is "chunks", "none" or the most bytes to show at once, as 65536')
