"""Turns the functions of a filter into what the host calls: verdicts out of what they return, texts out of what they raise."""

import json
import sys

from componentize_py_types import Err
from wit_world.imports import types

from . import _engine
from ._host import to_bytes
from ._request import request
from ._response import chunk, response

_LINES = 5


class Summary:
    """How a request ended."""

    def __init__(self, raw):
        self.status = raw.status
        self.bytes_sent = raw.bytes_sent
        self.duration_us = raw.duration_us
        self.origin_us = raw.origin_us
        self.cache = raw.cache.name.lower()
        self.error = raw.error


def _heads(name, returned):
    if returned is None:
        return types.Verdict_Next()
    if isinstance(returned, (types.Verdict_Respond, types.Verdict_ReplaceBody)):
        return returned
    raise TypeError(
        f"`{name}` returned `{type(returned).__name__}`: return nothing to go on, "
        "or what `respond(…)`, `redirect(…)` or `replace_body(…)` made"
    )


def _bodies(name, returned):
    if returned is None:
        return types.ChunkVerdict_Pass()
    if isinstance(returned, (types.ChunkVerdict_Hold, types.ChunkVerdict_Drop)):
        return returned
    return types.ChunkVerdict_Replace(to_bytes(returned, "the new chunk"))


def _nothing(name, returned):
    return None


# What a phase gets beside what the host gives, and how what it returns is read.
PHASES = {
    "request": ((request,), _heads),
    "origin_request": ((request,), _heads),
    "origin_response": ((response, request), _heads),
    "response": ((response, request), _heads),
    "request_body": ((chunk, request), _bodies),
    "origin_response_body": ((chunk, response, request), _bodies),
    "response_body": ((chunk, response, request), _bodies),
    "log": ((request,), _nothing),
    "configure": ((), _nothing),
}


# What the host gives, as authors see it.
_GIVEN = {"log": Summary, "configure": json.loads}


def entry(name, function):
    """The method of a class that the host calls for one phase. Trailing arguments that the function lacks are left out."""
    ours, verdict = PHASES[name]
    room = _room(function)

    def handle(self, *given):
        _engine.start()
        try:
            seen = tuple(map(_GIVEN[name], given)) if given else ()
            return verdict(name, function(*(seen + ours)[:room]))
        except Exception as error:
            text = describe(error)
        raise Err(text)

    return handle


def _room(function):
    code = getattr(function, "__code__", None)
    return None if code is None or code.co_flags & 4 else code.co_argcount


def describe(error):
    """What the log shows of an error: its name, its message and where it came from."""
    lines = [f"{type(error).__name__}: {error}", *_places(error.__traceback__)[-_LINES:]]
    if error.__cause__ is not None:
        lines.append(f"caused by {describe(error.__cause__)}")
    return "\n".join(lines)


def _places(trace):
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in ("rimward", "rimward_guest"):
            places.append(f"    at {code.co_qualname} ({_file(code.co_filename)}:{trace.tb_lineno})")
        trace = trace.tb_next
    return places


# Modules lie under one of the folders that were bundled; what the author knows is the rest of the path.
def _file(path):
    folder = next((folder for folder in sorted(sys.path, key=len, reverse=True) if folder and path.startswith(f"{folder}/")), "")
    return path.removeprefix(folder).lstrip("/")
