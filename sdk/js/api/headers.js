// The header fields of the request or the response, which stay in the host: each call asks it.

import { told } from "./host.js";
import { decode } from "./utf8.js";

// A call of `String` takes longer than to see that it is not needed.
const text = (value) => (typeof value === "string" ? value : String(value));

/** `{ name: value }`, `[[name, value]]`, a `Map` or `Headers`, as pairs; a value that is an array stands for several fields. */
export function pairsOf(fields) {
  const pairs = [];
  if (!fields) return pairs;
  const add = (name, value) => {
    if (Array.isArray(value)) for (const one of value) pairs.push([text(name), text(one)]);
    else pairs.push([text(name), text(value)]);
  };
  if (typeof fields[Symbol.iterator] === "function") for (const [name, value] of fields) add(name, value);
  else for (const name of Object.keys(fields)) add(name, fields[name]);
  return pairs;
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
    if (typeof name === "object") return this.#edit(setsOf(name));
    // What most filters do most often has a call of its own.
    try {
      this.#raw.setHeader(text(name), text(value));
    } catch (error) {
      throw told(`header \`${name}\``, error);
    }
  }

  append(name, value) {
    this.#edit([{ tag: "append", val: [text(name), text(value)] }]);
  }

  delete(...names) {
    this.#edit(names.map((name) => ({ tag: "remove", val: text(name) })));
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

  // What is only said when it fails is only made then.
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
