"""An A/B test whose split lies in the KV store `experiments`, so that it can be changed without a deploy:

    rimward kv put experiments checkout '{"salt":"2026-05","variants":{"a":90,"b":10}}'

[filter.checkout]
wasm = "plugins/ab-kv.wasm"
isolation = "reuse"
config = { experiment = "checkout" }
grants = { kv = ["experiments"] }
limits = { memory = "64MiB" }

A client keeps its variant by a cookie, the cache keeps the variants apart, and the origin is told by a header.
"""

from rimward import access_log, clock, config, kv

WEEK = 7 * 24 * 3600


def request(req):
    experiment = config()["experiment"]
    split = kv.open("experiments").get_json(experiment)
    if not split:
        return
    kept = req.cookies.get(f"ab-{experiment}")
    variant = kept if kept in split["variants"] else drawn(req, split)
    if variant != kept:
        req.vars["ab-new"] = variant
    req.cache_key_part(experiment, variant)
    req.headers[f"x-variant-{experiment}"] = variant
    access_log.set(experiment, variant)


def response(res, req):
    variant = req.vars.get("ab-new")
    if variant:
        name = f"ab-{config()['experiment']}"
        res.headers.add("set-cookie", f"{name}={variant}; Path=/; Max-Age={WEEK}; Secure; SameSite=Lax")


def drawn(req, split):
    """The same client gets the same variant on every edge, cookie or not."""
    variants = split["variants"]
    total = sum(variants.values())
    if total == 0:
        raise ValueError("the experiment has no variant with a share")
    bucket = clock.bucket(split["salt"], req.client_ip, total)
    for name, weight in variants.items():
        bucket -= weight
        if bucket < 0:
            return name
