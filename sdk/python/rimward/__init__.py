"""Filters for the Rimward edge in Python.

A filter is a module with functions named after the phases that it takes part in:

    from rimward import secrets

    def request(req):
        if not secrets.get("token").equals(req.headers.get("x-token", "")):
            return req.respond(401, body="no")
"""

from . import kv, secrets
from ._answer import redirect, respond
from ._host import HostError
from ._origin import custom_origin
from ._others import access_log, clock, config, geo, html, images, metrics
from ._request import Request
from ._response import Chunk, Response
from ._subrequest import subrequest

__all__ = [
    "Chunk",
    "HostError",
    "Request",
    "Response",
    "access_log",
    "clock",
    "config",
    "custom_origin",
    "geo",
    "html",
    "images",
    "kv",
    "metrics",
    "redirect",
    "respond",
    "secrets",
    "subrequest",
]
