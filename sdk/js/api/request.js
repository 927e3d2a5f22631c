// The request being served. There is one at a time; the host has the only copy.

import * as context from "rimward:filter/context";
import * as raw from "rimward:filter/request";

import { redirect, respond } from "./answer.js";
import { fieldsOf } from "./headers.js";
import { ask } from "./host.js";
import { originFrom, originOf } from "./origin.js";
import { wanted } from "./want.js";

const query = {
  get: (name) => raw.queryParam(name) ?? null,
  toString: () => raw.query() ?? "",
};

const cookies = { get: (name) => raw.cookie(name) ?? null };

const vars = {
  get: (name) => context.getVar(name) ?? null,
  set: (name, value) => context.setVar(name, String(value)),
};

class Request {
  headers = fieldsOf(raw);
  query = query;
  cookies = cookies;
  vars = vars;

  get method() {
    return raw.method();
  }

  get uri() {
    return raw.uri();
  }

  set uri(to) {
    ask("the uri", () => raw.setUri(String(to)));
  }

  get path() {
    return raw.path();
  }

  get scheme() {
    return raw.scheme();
  }

  get host() {
    return raw.host();
  }

  set host(to) {
    ask("the host", () => raw.setHost(String(to)));
  }

  get url() {
    return `${raw.scheme()}://${raw.host()}${raw.uri()}`;
  }

  get httpVersion() {
    return raw.httpVersion();
  }

  get origin() {
    return originFrom(raw.chosenOrigin());
  }

  set origin(to) {
    ask("the origin", () => raw.setOrigin(originOf(to)));
  }

  get id() {
    return context.requestId();
  }

  get pop() {
    return context.pop();
  }

  get phase() {
    return context.currentPhase();
  }

  get clientIp() {
    return context.clientIp();
  }

  get budgetUs() {
    return Number(context.budgetUs());
  }

  tls(field) {
    return context.tls(field) ?? null;
  }

  cacheKeyPart(label, value) {
    ask("the cache key", () => raw.cacheKeyPart(label, String(value)));
  }

  bypassCache() {
    ask("passing the cache by", () => raw.cacheBypass());
  }

  wantBody(how) {
    ask("the request's body", () => raw.wantBody(wanted(how)));
  }

  respond(answer) {
    return respond(answer);
  }

  redirect(location, status) {
    return redirect(location, status);
  }
}

export const request = /* @__PURE__ */ new Request();
