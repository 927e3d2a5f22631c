"""Header fields: those of the request or the response, which stay in the host, and those of a subrequest's response."""

from wit_world.imports import types

from ._host import ask


def pairs(fields):
    """A dict or pairs as pairs; a value that is a list stands for several fields."""
    items = fields.items() if hasattr(fields, "items") else fields or ()
    return [
        (str(name), str(one))
        for name, value in items
        for one in (value if isinstance(value, (list, tuple)) else [value])
    ]


class Fields:
    """The fields of a message in the host: each call asks it."""

    def __init__(self, raw):
        self._raw = raw

    def get(self, name, default=None):
        value = self._raw.header(name)
        return default if value is None else value

    def get_many(self, *names):
        return self._raw.header_many(list(names))

    def get_all(self, name):
        return [value.decode("utf-8", "replace") for value in self._raw.header_all(name)]

    def set(self, name, value):
        with ask(f"header `{name}`"):
            self._raw.set_header(name, str(value))

    def add(self, name, value):
        self._edit(name, [types.HeaderOp_Append((name, str(value)))])

    def remove(self, *names):
        self._edit("`, `".join(names), [types.HeaderOp_Remove(name) for name in names])

    def update(self, fields):
        """Sets several for the price of one call; of a name that comes twice, the second is added."""
        seen, edits = set(), []
        for name, value in pairs(fields):
            kind = types.HeaderOp_Append if name.lower() in seen else types.HeaderOp_Set
            seen.add(name.lower())
            edits.append(kind((name, value)))
        self._edit("`, `".join(sorted(seen)), edits)

    def names(self):
        return self._raw.header_names()

    def items(self):
        return [(name, value.decode("utf-8", "replace")) for name, value in self._raw.headers()]

    def __contains__(self, name):
        return self._raw.has_header(name)

    def __getitem__(self, name):
        value = self._raw.header(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name, value):
        if isinstance(value, (list, tuple)):
            self.update([(name, value)])
        else:
            self.set(name, value)

    def __delitem__(self, name):
        self.remove(name)

    def __iter__(self):
        return iter(self.names())

    def _edit(self, what, edits):
        with ask(f"header `{what}`"):
            self._raw.edit_headers(edits)


class Listed:
    """Fields that came with a subrequest's response."""

    def __init__(self, fields):
        self._fields = fields

    def get(self, name, default=None):
        return next(iter(self.get_all(name)), default)

    def get_all(self, name):
        return [value for other, value in self._fields if other.lower() == name.lower()]

    def items(self):
        return list(self._fields)

    def __contains__(self, name):
        return bool(self.get_all(name))

    def __getitem__(self, name):
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return values[0]
