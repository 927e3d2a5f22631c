"""The smaller parts of the host."""

import json as _json

from wit_world.imports import (
    clock as _clock,
    config as _config,
    geo as _geo,
    html as _html,
    images as _images,
    log as _log,
    metrics as _metrics,
)

from ._host import ask

_parsed = None


def config():
    """The filter's `config` table."""
    global _parsed
    if _parsed is None:
        _parsed = _json.loads(_config.all() or "{}")
    return _parsed


class access_log:
    """Fields of this request's line in the access log."""

    @staticmethod
    def set(name, value):
        _log.field(name, str(value))


class clock:
    @staticmethod
    def now_ms():
        return _clock.now_ms()

    @staticmethod
    def bucket(salt, key, buckets):
        return _clock.bucket(salt, str(key), buckets)


class geo:
    country = staticmethod(lambda: _geo.country())
    client = staticmethod(lambda: _geo.client())
    lookup = staticmethod(lambda ip: _geo.lookup(ip))


class metrics:
    @staticmethod
    def count(name, by=1):
        _metrics.count(name, by)

    @staticmethod
    def observe(name, value):
        _metrics.observe(name, float(value))


class images:
    """Asks the edge's own image filter to work on the response's body."""

    @staticmethod
    def apply(*, width=None, height=None, fit=None, format=None, quality=None, dpr=None):
        with ask("the image"):
            _images.apply(_images.Transform(width, height, fit, format, quality, dpr))


class html:
    """Rewriting of HTML that the edge does by itself while the body passes."""

    @staticmethod
    def set_attribute(selector, name, value):
        _rule(selector, _html.Edit_SetAttribute((name, str(value))))

    @staticmethod
    def remove(selector):
        _rule(selector, _html.Edit_Remove())

    @staticmethod
    def append(selector, markup):
        _rule(selector, _html.Edit_AppendHtml(markup))

    @staticmethod
    def prepend(selector, markup):
        _rule(selector, _html.Edit_PrependHtml(markup))

    @staticmethod
    def set_inner(selector, markup):
        _rule(selector, _html.Edit_SetInner(markup))


def _rule(selector, edit):
    with ask(f"HTML rule `{selector}`"):
        _html.rule(selector, edit)
