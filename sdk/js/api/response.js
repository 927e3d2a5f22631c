// The response on its way to the store (originResponse) or to the client (response).

import * as raw from "rimward:filter/response";

import { respond } from "./answer.js";
import { fieldsOf } from "./headers.js";
import { ask } from "./host.js";
import { bytesOf } from "./utf8.js";
import { wanted } from "./want.js";

class Response {
  headers = fieldsOf(raw);

  get status() {
    return raw.status();
  }

  set status(to) {
    ask("the status", () => raw.setStatus(to));
  }

  get cacheResult() {
    return raw.cacheResult();
  }

  cacheFor(seconds, { staleWhileRevalidate = 0, staleIfError = 0 } = {}) {
    ask("the lifetime", () => raw.cacheFor(seconds, staleWhileRevalidate, staleIfError));
  }

  cacheNever() {
    ask("the lifetime", () => raw.cacheNever());
  }

  surrogateKeys(...keys) {
    ask("the surrogate keys", () => raw.surrogateKeys(keys.flat().map(String)));
  }

  wantBody(how) {
    ask("the response's body", () => raw.wantBody(wanted(how)));
  }

  replaceBody(body) {
    return { tag: "replace-body", val: bytesOf(body, "the body") };
  }

  respond(answer) {
    return respond(answer);
  }
}

export const response = /* @__PURE__ */ new Response();
