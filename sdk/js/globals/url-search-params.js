// `URLSearchParams`: what a query says, in order.

import { decode, encode } from "../api/utf8.js";

/** What a URL calls when its query becomes another. */
export const RESET = Symbol("reset");

export class URLSearchParams {
  #pairs;
  #changed;

  /** `changed` is told of each change; the URL that the parameters belong to gives it. */
  constructor(from = "", changed = () => {}) {
    this.#pairs = pairs(from);
    this.#changed = changed;
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    this.#set([...this.#pairs, [String(name), String(value)]]);
  }

  delete(name, value) {
    this.#set(this.#pairs.filter(([key, is]) => key !== String(name) || (value !== undefined && is !== String(value))));
  }

  get(name) {
    return this.#pairs.find(([key]) => key === String(name))?.[1] ?? null;
  }

  getAll(name) {
    return this.#pairs.filter(([key]) => key === String(name)).map(([, value]) => value);
  }

  has(name, value) {
    return this.#pairs.some(([key, is]) => key === String(name) && (value === undefined || is === String(value)));
  }

  set(name, value) {
    const first = this.#pairs.findIndex(([key]) => key === String(name));
    if (first < 0) return this.append(name, value);
    const others = this.#pairs.filter(([key], i) => key !== String(name) || i === first);
    this.#set(others.map(([key, is], i) => (i === first ? [key, String(value)] : [key, is])));
  }

  sort() {
    this.#set(this.#pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }

  forEach(call, self) {
    for (const [name, value] of this.#pairs) call.call(self, value, name, this);
  }

  *entries() {
    for (const [name, value] of this.#pairs) yield [name, value];
  }

  *keys() {
    for (const [name] of this.#pairs) yield name;
  }

  *values() {
    for (const [, value] of this.#pairs) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  toString() {
    return this.#pairs.map(([name, value]) => `${escape(name)}=${escape(value)}`).join("&");
  }

  [RESET](query) {
    this.#pairs = pairs(query);
  }

  #set(pairs) {
    this.#pairs = pairs;
    this.#changed(this.toString());
  }
}

function pairs(from) {
  if (typeof from !== "object" || from === null) return split(String(from).replace(/^\?/, ""));
  const entries = typeof from[Symbol.iterator] === "function" ? [...from] : Object.entries(from);
  return entries.map(([name, value]) => [String(name), String(value)]);
}

function split(query) {
  return query
    .split("&")
    .filter((piece) => piece !== "")
    .map((piece) => {
      const at = piece.indexOf("=");
      return at < 0 ? [unescape(piece), ""] : [unescape(piece.slice(0, at)), unescape(piece.slice(at + 1))];
    });
}

function unescape(text) {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return decode(bytes(spaced));
  }
}

// Percent-encoded bytes, and what only looks like them as it is.
function bytes(text) {
  const pieces = text.split(/(%[0-9a-f]{2})/i);
  return Uint8Array.from(pieces.flatMap((piece, i) => (i % 2 ? [Number.parseInt(piece.slice(1), 16)] : [...encode(piece)])));
}

function escape(text) {
  const escaped = encodeURIComponent(text.toWellFormed()).replace(/[!'()~]/g, (piece) => `%${piece.charCodeAt(0).toString(16).toUpperCase()}`);
  return escaped.replaceAll("%20", "+");
}
