"""Rewrites responses: headers for every one, and the links of pages that still point to the old host.

[filter.links]
wasm = "plugins/rewriter.wasm"
isolation = "reuse"
config = { from = "http://old.example.com", to = "https://www.example.com" }
limits = { memory = "64MiB" }

It works before the store (`origin_response`), so that a hit costs nothing.
"""

from rimward import config

LARGEST = 512 * 1024


def configure(settings):
    if not settings.get("from"):
        raise ValueError("`from` is missing: what the links start with")
    if "to" not in settings:
        raise ValueError("`to` is missing: what they are to start with")


def origin_response(res):
    res.headers.remove("server", "x-powered-by")
    res.headers.update({"x-content-type-options": "nosniff", "referrer-policy": "strict-origin-when-cross-origin"})
    if res.headers.get("content-type", "").startswith("text/html"):
        res.headers.remove("etag")
        res.want_body(LARGEST)


def origin_response_body(chunk):
    # Nothing returned: the bytes pass as they are, without a copy. So does a page that is longer than was wanted.
    if not chunk.is_last:
        return None
    old, new = config()["from"].encode(), config()["to"].encode()
    page = chunk.bytes()
    return page.replace(old, new) if old in page else None
