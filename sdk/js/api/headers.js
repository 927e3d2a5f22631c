// The header fields of the request or the response, which stay in the host: each call asks it.

import { ask } from "./host.js";
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
    if (typeof name === "object") return this.#setAll(name);
    this.#edit(`header \`${name}\``, [{ tag: "set", val: line(name, value) }]);
  }

  append(name, value) {
    this.#edit(`header \`${name}\``, [{ tag: "append", val: line(name, value) }]);
  }

  delete(...names) {
    this.#edit(`header \`${names.join("`, `")}\``, names.map((name) => ({ tag: "remove", val: String(name) })));
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

  // Several fields for the price of one call; of a name that comes twice, the second is appended.
  #setAll(fields) {
    const seen = new Set();
    const edits = pairsOf(fields).map(([name, value]) => {
      const tag = seen.has(name.toLowerCase()) ? "append" : "set";
      seen.add(name.toLowerCase());
      return { tag, val: [name, value] };
    });
    this.#edit(`headers \`${[...seen].join("`, `")}\``, edits);
  }

  #edit(what, edits) {
    ask(what, () => this.#raw.editHeaders(edits));
  }
}
