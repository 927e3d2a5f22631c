// {{name}}: a filter of the Rimward edge. Each exported function is a phase; a phase that is not exported costs nothing.

import { config } from "rimward";

/** @type {import("rimward").RequestPhase} */
export const request = (req) => {
  if (req.path === "/hello") {
    return req.respond({ headers: { "content-type": "text/plain" }, body: `hello ${req.query.get("name") ?? "world"}\n` });
  }
  req.headers.set("x-{{name}}", config().greeting ?? "hello");
};

/** @type {import("rimward").ResponsePhase} */
export const response = (res, req) => {
  console.log(`${req.method} ${req.path} was answered with ${res.status}`);
  res.headers.set("x-served-by", req.pop);
};
