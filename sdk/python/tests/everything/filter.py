"""Uses every part of the API and everything that the engine is given once: each path is a case, whose outcome is the answer."""

import datetime
import hashlib
import logging
import os
import random
import secrets as stdlib_secrets
import time
import urllib.parse
import uuid

from rimward import HostError, access_log, clock, config, custom_origin, geo, html, images, kv, metrics, secrets, subrequest

log_lines = logging.getLogger(__name__)


def attempt(call, *args, **options):
    try:
        return call(*args, **options)
    except HostError as error:
        return error.code
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def head(req):
    return [req.method, req.uri, req.path, str(req.query), req.query.get("a"), req.query.get("none"), req.cookies.get("c"), req.host, req.client_ip]


def headers(req):
    req.headers["x-one"] = 1
    req.headers.add("x-one", 2)
    req.headers.update({"x-two": ["a", "b"], "x-three": "ä"})
    req.headers.remove("x-gone", "x-never")
    fields = req.headers
    return [
        fields.get_all("x-one"), fields.get_all("x-two"), fields["X-Three"], "x-gone" in fields, fields.get_many("x-one", "x-no"),
        "x-two" in list(fields), dict(fields.items())["x-three"], attempt(fields.__getitem__, "no"),
    ]


def forbidden(req):
    try:
        req.headers["connection"] = "close"
    except HostError as error:
        return [error.code, str(error)]


def store(req):
    store = kv.open("store")
    first = store.put("k", "ä", ttl=60, metadata="m")
    again = store.put("k", b"b", if_generation=first)
    refused = attempt(store.put, "k", "c", if_absent=True)
    store.put_json("j", {"a": [1]})
    entry = store.entry("k")
    return [
        again > first, refused, entry.text(), entry.metadata, entry.generation == again, store.get("none"), store.entry("none"),
        store.get_json("j"), store.increment("n", 5), store.increment("n", -7), store.get_many("k", "none"), len(list(store.keys())),
        store.delete("k"), store.delete("k"), store.list("j").keys, store.get_bytes("j").decode(),
    ]


def secret(req):
    key = secrets.get("key")
    mac = key.sign("hs256", "text")
    return [
        mac.hex(), key.verify("hs256", "text", mac), key.verify("hs256", "texts", mac), key.equals("secret"), key.equals("no"), repr(key),
        key.reveal().decode(), attempt(secrets.get, "other"), secrets.sha256("abc").hex() == hashlib.sha256(b"abc").hexdigest(), attempt(key.sign, "md5", "x"),
    ]


def now(req):
    at = clock.now_ms()
    today = datetime.datetime.now(datetime.timezone.utc)
    return [
        time.time() * 1000 == at, time.time_ns() == at * 1_000_000, abs(today.timestamp() * 1000 - at) < 1, time.strftime("%Y") == str(today.year),
        datetime.datetime.strptime("2026-05-01", "%Y-%m-%d").day, datetime.date.today().year == time.gmtime().tm_year, attempt(time.sleep, 1), time.ctime() == time.asctime(),
    ]


def chance(req):
    numbers = [random.random() for _ in range(100)]
    return [
        len(set(numbers)), len(os.urandom(5)), len(stdlib_secrets.token_hex(4)), str(uuid.uuid4())[14], random.Random().random() != random.Random().random(),
        random.choice([1, 1]), random.SystemRandom().random() < 1,
    ]


def absent(req):
    return [attempt(open, "/etc/passwd"), attempt(os.stat, "/"), os.path.exists("/"), attempt(late_import), dict(os.environ), urllib.parse.quote("ä")]


def late_import():
    import sqlite3

    return sqlite3.version


def thrown(req):
    def inner():
        raise ValueError("too far") from RuntimeError("the cause")

    inner()


def wrong(req):
    return 42


def places(req):
    req.vars["seen"] = 1
    req.origin = "other"
    origin = req.origin
    req.origin = custom_origin("example.org", port=8443)
    req.cache_key_part("variant", "b")
    access_log.set("field", "value")
    metrics.count("seen")
    metrics.count("seen", 2)
    metrics.observe("size", 1)
    print("one", 1, {"a": 1})
    print("two\nlines")
    log_lines.warning("from %s", "logging")
    try:
        raise KeyError("logged")
    except KeyError:
        log_lines.exception("with a trace")
    return [req.vars.get("seen"), req.vars.get("none"), origin, req.origin.port, config()["list"], clock.bucket("salt", "key", 1), req.phase, req.budget_us > 0, geo.country()]


def redirect(req):
    return req.redirect("https://example.org/", 308)


def sub(req):
    reply = subrequest("/one", to="app", headers={"a": "b"})
    failed = attempt(subrequest, "https://unknown.example:8443/x?y")
    first, second = subrequest.all(["/one", {"uri": "/two", "method": "POST", "json": {"a": 1}}])
    return [reply.status, reply.ok, reply.text(), reply.headers["X-Reply"], failed, first.text(), second.json()]


CASES = {function.__name__: function for function in (head, headers, forbidden, store, secret, now, chance, absent, thrown, wrong, places, redirect, sub)}


def request(req):
    case = CASES.get(req.path[1:])
    outcome = case(req) if case else None
    return req.respond(json=outcome) if isinstance(outcome, list) else outcome


def request_body(chunk):
    return None if chunk.is_last else chunk.hold()


def origin_request(req):
    if req.path == "/made":
        return req.respond(203, body=b"hi", cache_ttl=60)


def origin_response(res, req):
    if req.path == "/stored":
        res.cache_for(60, stale_while_revalidate=10)
        res.surrogate_keys("a", "b")
        res.want_body("chunks")


def origin_response_body(chunk):
    return chunk.text().upper()


def response(res, req):
    if req.path == "/status":
        res.status = 418
    if req.path == "/replaced":
        return res.replace_body(f"{res.status} {res.cache_result}")
    if req.path == "/held":
        res.want_body(1000)
    if req.path == "/html":
        html.set_attribute("a", "rel", "nofollow")
        html.append("body", "<p>")
        html.remove("script")
        images.apply(width=100, format="webp")


def response_body(chunk, res, req):
    return f"{req.path} {res.status} {chunk.offset} {len(chunk)} {len(chunk.bytes(0, 2))}"


def configure(settings):
    if settings.get("refuse"):
        raise ValueError("this configuration is refused")


def log(summary, req):
    print(req.method, summary.status, summary.bytes_sent, summary.cache)
