"""Stores of the edge that the filter's `grants.kv` names."""

import json as _json
from dataclasses import dataclass

from wit_world.imports import kv as _raw

from ._host import ask, to_bytes, to_json


@dataclass(frozen=True)
class Entry:
    """A value with what is known of it."""

    value: bytes
    metadata: str | None
    generation: int
    ttl: int | None

    def text(self):
        return self.value.decode()

    def json(self):
        return _json.loads(self.value)


@dataclass(frozen=True)
class Page:
    """Some of a store's keys, and where the others begin."""

    keys: list[str]
    cursor: str | None


class Store:
    def __init__(self, name):
        self._name = name
        with ask(f"KV store `{name}`"):
            self._store = _raw.open(name)

    def get(self, key, default=None):
        with self._ask(key):
            text = self._store.get_text(key)
        return default if text is None else text

    def get_bytes(self, key):
        entry = self.entry(key)
        return None if entry is None else entry.value

    def get_json(self, key, default=None):
        text = self.get(key)
        return default if text is None else _json.loads(text)

    def get_many(self, *keys):
        with self._ask("`, `".join(keys)):
            values = self._store.get_many(list(keys))
        return [None if value is None else value.decode() for value in values]

    def entry(self, key):
        with self._ask(key):
            found = self._store.get(key)
        return None if found is None else Entry(found.value, found.metadata, found.generation, found.ttl_s)

    def put(self, key, value, *, ttl=None, metadata=None, if_absent=False, if_generation=None):
        """Writes a value and returns its generation."""
        mode = _raw.WriteMode.OVERWRITE
        if if_generation is not None:
            mode = _raw.WriteMode.COMPARE
        elif if_absent:
            mode = _raw.WriteMode.ADD
        with self._ask(key):
            return self._store.put(key, to_bytes(value, "the value"), _raw.Write(mode, if_generation, ttl, metadata))

    def put_json(self, key, value, **options):
        return self.put(key, to_json(value), **options)

    def increment(self, key, by=1, *, ttl=None):
        with self._ask(key):
            return self._store.increment(key, by, ttl)

    def delete(self, key):
        with self._ask(key):
            return self._store.delete(key)

    def list(self, prefix="", *, cursor=None, max=100):
        with self._ask(prefix):
            page = self._store.list(prefix, cursor, max)
        return Page(page.keys, page.cursor)

    def keys(self, prefix=""):
        """All keys that begin with `prefix`, page by page."""
        cursor = None
        while True:
            page = self.list(prefix, cursor=cursor)
            yield from page.keys
            cursor = page.cursor
            if cursor is None:
                return

    def _ask(self, key):
        return ask(f"KV store `{self._name}`, key `{key}`")


def open(name):
    """A store by its name."""
    return Store(name)
