"""{{name}}: a filter of the Rimward edge. Each function named after a phase is called there; a phase that is not there costs nothing."""

from rimward import config


def request(req):
    if req.path == "/hello":
        name = req.query.get("name", "world")
        return req.respond(200, {"content-type": "text/plain"}, f"hello {name}\n")
    req.headers["x-{{name}}"] = config().get("greeting", "hello")


def response(res, req):
    print(f"{req.method} {req.path} was answered with {res.status}")
    res.headers["x-served-by"] = req.pop
