"""What every part of the API needs to speak to the host: errors that read well, and bytes."""

import json as _json
import re

from componentize_py_types import Err

_TEXTS = {
    "not-allowed-in-phase": "not allowed in this phase",
    "read-only": "can't be changed in this phase",
    "forbidden": "this header can't be seen or changed by filters",
    "timeout": "took too long",
}


class HostError(Exception):
    """What the host answers when something can't be done. `code` is its name in the ABI, as `no-such` or `limit`."""

    def __init__(self, what, code, detail=None):
        why = _TEXTS.get(code, code.replace("-", " "))
        super().__init__(f"{what}: {why}" if detail is None else f"{what}: {why}: {detail}")
        self.code = code


class ask:
    """What the host refuses inside of `with ask(…):` becomes a `HostError` that says what was tried."""

    __slots__ = ("_what",)

    def __init__(self, what):
        self._what = what

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, Err):
            refused = error.value
            words = re.findall("[A-Z][a-z]*", type(refused).__name__.removeprefix("Error_"))
            raise HostError(self._what, "-".join(words).lower(), getattr(refused, "value", None)) from None


def to_bytes(value, what):
    """Bytes of what may stand for a body: a text, bytes, or nothing."""
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{what} is a {type(value).__name__}: a str or bytes is wanted")


def to_json(value):
    """JSON in as few bytes as possible."""
    return _json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
