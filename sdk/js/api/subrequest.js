// Requests of the filter's own, to origins and hosts that its `grants` name.

import { chosenOrigin } from "rimward:filter/request";
import * as raw from "rimward:filter/subrequest";

import { fieldsOf, pairsOf } from "./headers.js";
import { ask } from "./host.js";
import { originOf } from "./origin.js";
import { bytesOf, decode, encode } from "./utf8.js";

const ABSOLUTE = /^(https?:\/\/[^/?#]+)([^#]*)/i;

class Reply {
  constructor({ status, headers, body, truncated }) {
    this.status = status;
    this.headers = fieldsOf(listed(headers));
    this.body = body;
    this.truncated = truncated;
  }

  get ok() {
    return this.status >= 200 && this.status <= 299;
  }

  text() {
    return decode(this.body);
  }

  json() {
    return JSON.parse(this.text());
  }
}

// Fields that lie in the guest, behind the functions that the host has for its own.
function listed(pairs) {
  const all = (name) => pairs.filter(([other]) => other.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return {
    header: (name) => all(name)[0],
    headerMany: (names) => names.map((name) => all(name)[0]),
    headerAll: (name) => all(name).map(encode),
    hasHeader: (name) => all(name).length > 0,
    headerNames: () => [...new Set(pairs.map(([name]) => name.toLowerCase()))],
    headers: () => pairs.map(([name, value]) => [name, encode(value)]),
    editHeaders: unchangeable,
    setHeader: unchangeable,
  };
}

function unchangeable() {
  throw new TypeError("the headers of a subrequest's response can't be changed");
}

function outgoing(target, options = {}) {
  const given = typeof target === "object" ? target : { ...options, uri: String(target) };
  const { uri, to, method = "GET", headers, body, json, timeoutMs = 500, maxBody = 0, cached = false } = given;
  if (typeof uri !== "string") throw new TypeError("a subrequest needs a `uri`: a path, as `/a`, or a URL, as `https://example.org/a`");
  const [, base, path] = ABSOLUTE.exec(uri) ?? [undefined, undefined, uri];
  const fields = pairsOf(headers);
  if (json !== undefined) fields.push(["content-type", "application/json"]);
  return {
    method,
    uri: path.startsWith("/") ? path : `/${path}`,
    headers: fields,
    body: json === undefined ? bytesOf(body, "the body") : encode(JSON.stringify(json)),
    to: to !== undefined ? originOf(to) : base ? originOf(base) : chosenOrigin(),
    timeoutMs,
    maxBody,
    cached,
  };
}

const what = ({ method, uri }) => `subrequest ${method} ${uri}`;

/** Sends a request and waits for the response. */
export function subrequest(target, options) {
  const request = outgoing(target, options);
  return new Reply(ask(what(request), () => raw.send(request)));
}

/** Sends a request; `wait()` of what is returned waits for the response. */
subrequest.start = (target, options) => {
  const request = outgoing(target, options);
  const pending = ask(what(request), () => raw.start(request));
  return { wait: () => new Reply(ask(what(request), () => pending.wait())) };
};

/** Sends several at the same time and waits for all; an error of one is thrown when all have ended. */
subrequest.all = (targets) => {
  const replies = targets.map((target) => subrequest.start(target)).map((pending) => settled(() => pending.wait()));
  const failed = replies.find(({ error }) => error);
  if (failed) throw failed.error;
  return replies.map(({ reply }) => reply);
};

function settled(wait) {
  try {
    return { reply: wait() };
  } catch (error) {
    return { error };
  }
}
