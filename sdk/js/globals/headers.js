// `Headers`, for code that builds lists of header fields.

import { pairsOf } from "../api/headers.js";
import { define } from "./define.js";

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

class Headers {
  #fields = new Map();

  constructor(from) {
    for (const [name, value] of pairsOf(from)) this.append(name, value);
  }

  append(name, value) {
    const key = lower(name);
    this.#fields.set(key, [...(this.#fields.get(key) ?? []), clean(value)]);
  }

  set(name, value) {
    this.#fields.set(lower(name), [clean(value)]);
  }

  delete(name) {
    this.#fields.delete(lower(name));
  }

  get(name) {
    return this.#fields.get(lower(name))?.join(", ") ?? null;
  }

  getSetCookie() {
    return [...(this.#fields.get("set-cookie") ?? [])];
  }

  has(name) {
    return this.#fields.has(lower(name));
  }

  forEach(call, self) {
    for (const [name, value] of this) call.call(self, value, name, this);
  }

  *entries() {
    for (const [name, values] of [...this.#fields].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (name === "set-cookie") for (const value of values) yield [name, value];
      else yield [name, values.join(", ")];
    }
  }

  *keys() {
    for (const [name] of this) yield name;
  }

  *values() {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }
}

function lower(name) {
  if (!NAME.test(name)) throw new TypeError(`\`${name}\` is not the name of a header`);
  return String(name).toLowerCase();
}

function clean(value) {
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (/[\0\r\n]/.test(text)) throw new TypeError("the value of a header has no line ends");
  return text;
}

define("Headers", Headers);
