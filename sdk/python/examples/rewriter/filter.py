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


def origin_response(res):
    res.headers.remove("server", "x-powered-by")
    res.headers.update({"x-content-type-options": "nosniff", "referrer-policy": "strict-origin-when-cross-origin"})
    if res.headers.get("content-type", "").startswith("text/html"):
        res.headers.remove("content-length", "etag")
        res.want_body(LARGEST)


def origin_response_body(chunk):
    old, new = config()["from"].encode(), config()["to"].encode()
    page = chunk.bytes()
    # Nothing returned: the bytes pass as they are, without a copy.
    return page.replace(old, new) if old in page else None
