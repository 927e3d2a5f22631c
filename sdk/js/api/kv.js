// Stores of the edge that the filter's `grants.kv` names.

import * as raw from "rimward:filter/kv";

import { ask } from "./host.js";
import { integer } from "./integer.js";
import { bytesOf, decode } from "./utf8.js";

class Store {
  #store;
  #name;

  constructor(name) {
    this.#name = name;
    this.#store = ask(`KV store \`${name}\``, () => raw.open(name));
  }

  get(key) {
    return this.#ask(key, (store) => store.getText(key)) ?? null;
  }

  getBytes(key) {
    return this.#ask(key, (store) => store.get(key))?.value ?? null;
  }

  getJson(key) {
    const text = this.get(key);
    return text === null ? null : JSON.parse(text);
  }

  getMany(...keys) {
    const values = this.#ask(keys.join("`, `"), (store) => store.getMany(keys));
    return values.map((value) => (value ? decode(value) : null));
  }

  entry(key) {
    const found = this.#ask(key, (store) => store.get(key));
    if (!found) return null;
    const { value, metadata, generation, ttlS } = found;
    return {
      bytes: value,
      text: () => decode(value),
      json: () => JSON.parse(decode(value)),
      metadata: metadata ?? null,
      generation: Number(generation),
      ttl: ttlS ?? null,
    };
  }

  put(key, value, options) {
    return Number(this.#ask(key, (store) => store.put(key, bytesOf(value, "the value"), options && writeOf(options))));
  }

  putJson(key, value, options) {
    return this.put(key, JSON.stringify(value), options);
  }

  increment(key, by = 1, { ttl } = {}) {
    return Number(this.#ask(key, (store) => store.increment(key, integer(by), ttl)));
  }

  delete(key) {
    return this.#ask(key, (store) => store.delete(key));
  }

  list({ prefix = "", cursor, max = 100 } = {}) {
    const page = this.#ask(prefix, (store) => store.list(prefix, cursor, max));
    return { keys: page.keys, cursor: page.cursor ?? null };
  }

  *keys(prefix = "") {
    let cursor;
    do {
      const page = this.list({ prefix, cursor });
      yield* page.keys;
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
  }

  #ask(key, call) {
    return ask(`KV store \`${this.#name}\`, key \`${key}\``, () => call(this.#store));
  }
}

function writeOf({ ttl, metadata, ifAbsent = false, ifGeneration }) {
  const mode = ifGeneration !== undefined ? "compare" : ifAbsent ? "add" : "overwrite";
  return { mode, ifGeneration: ifGeneration === undefined ? undefined : integer(ifGeneration), ttlS: ttl, metadata };
}

export const kv = { open: (name) => new Store(name) };
