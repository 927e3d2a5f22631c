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

/** The fields behind functions of the host: as they are, without a class around them, since they are what filters call most. */
export function fieldsOf({ header, headerMany, headerAll, hasHeader, headerNames, headers, setHeader, editHeaders }) {
  function* entries() {
    for (const [name, value] of headers()) yield [name, decode(value)];
  }

  // What is only said when it fails is only made then.
  function edit(edits) {
    try {
      editHeaders(edits);
    } catch (error) {
      const names = new Set(edits.map(({ val }) => `\`${typeof val === "string" ? val : val[0]}\``));
      throw told(`${names.size === 1 ? "header" : "headers"} ${[...names].join(", ")}`, error);
    }
  }

  return {
    get: (name) => header(name) ?? null,
    getMany: (...names) => headerMany(names).map((value) => value ?? null),
    getAll: (name) => headerAll(name).map((value) => decode(value)),
    has: (name) => hasHeader(name),
    set(name, value) {
      if (typeof name === "object") return edit(setsOf(name));
      try {
        setHeader(text(name), text(value));
      } catch (error) {
        throw told(`header \`${name}\``, error);
      }
    },
    append: (name, value) => edit([{ tag: "append", val: [text(name), text(value)] }]),
    delete: (...names) => edit(names.map((name) => ({ tag: "remove", val: text(name) }))),
    keys: () => headerNames().values(),
    entries,
    [Symbol.iterator]: entries,
  };
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
