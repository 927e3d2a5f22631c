"""Lets in who sends the token that the secret `api-token` holds, as `Authorization: Bearer …`.

[filter.auth]
wasm = "plugins/auth.wasm"
isolation = "reuse"
config = { realm = "shop" }
grants = { secrets = ["api-token"] }
limits = { memory = "64MiB" }
"""

import re

from rimward import access_log, config, secrets

BEARER = re.compile(r"Bearer +(\S+)", re.IGNORECASE)


def request(req):
    given = BEARER.fullmatch(req.headers.get("authorization", ""))
    if not given:
        return refuse(req, "missing")
    if not secrets.get("api-token").equals(given[1]):
        return refuse(req, "wrong")
    # The origin is told that the edge has checked it, and never sees the token.
    del req.headers["authorization"]
    req.headers["x-authenticated"] = "token"


def refuse(req, why):
    access_log.set("auth", why)
    print(f"{req.client_ip} was refused: the token is {why}")
    realm = config().get("realm", "edge")
    headers = {"www-authenticate": f'Bearer realm="{realm}"', "cache-control": "no-store"}
    return req.respond(401, headers, "a token is needed\n")
