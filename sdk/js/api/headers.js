// The header fields of the request or the response, which stay in the host: each call asks it.

import { told } from "./host.js";
import { decode } from "./utf8.js";

const line = (name, value) => [String(name), String(value)];

/** `{ name: value }`, `[[name, value]]`, a `Map` or `Headers`, as pairs; a value that is an array stands for several fields. */
export function pairsOf(fields) {
  if (!fields) return [];
  const entries = typeof fields[Symbol.iterator] === "function" ? [...fields] : Object.entries(fields);
  return entries.flatMap(([name, value]) => (Array.isArray(value) ? value.map((one) => line(name, one)) : [line(name, value)]));
}

export class Fields {
  #raw;

  constructor(raw) {
    this.#raw = raw;
  }

  get(name) {
    return this.#raw.header(name) ?? null;
  }

  getMany(...names) {
    return this.#raw.headerMany(names).map((value) => value ?? null);
  }

  getAll(name) {
    return this.#raw.headerAll(name).map((value) => decode(value));
  }

  has(name) {
    return this.#raw.hasHeader(name);
  }

  set(name, value) {
    this.#edit(typeof name === "object" ? setsOf(name) : [{ tag: "set", val: line(name, value) }]);
  }

  append(name, value) {
    this.#edit([{ tag: "append", val: line(name, value) }]);
  }

  delete(...names) {
    this.#edit(names.map((name) => ({ tag: "remove", val: String(name) })));
  }

  keys() {
    return this.#raw.headerNames().values();
  }

  *entries() {
    for (const [name, value] of this.#raw.headers()) yield [name, decode(value)];
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  // What most filters do most often, so that what is only said when it fails is only made then.
  #edit(edits) {
    try {
      this.#raw.editHeaders(edits);
    } catch (error) {
      const names = new Set(edits.map(({ val }) => `\`${typeof val === "string" ? val : val[0]}\``));
      throw told(`${names.size === 1 ? "header" : "headers"} ${[...names].join(", ")}`, error);
    }
  }
}

// Several fields for the price of one call; of a name that comes twice, the second is appended.
function setsOf(fields) {
  const seen = new Set();
  return pairsOf(fields).map(([name, value]) => {
    const tag = seen.has(name.toLowerCase()) ? "append" : "set";
    seen.add(name.toLowerCase());
    return { tag, val: [name, value] };
  });
}
