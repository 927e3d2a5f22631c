// `structuredClone`.

import { define } from "./define.js";

function clone(value, seen) {
  if (typeof value === "function" || typeof value === "symbol") throw new DOMException("this can't be cloned", "DataCloneError");
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  return filled(value, begun(value, seen), seen);
}

// The copy without what it holds, noted before its contents are copied, since they may lead back to it.
function begun(value, seen) {
  const copy = empty(value);
  seen.set(value, copy);
  return copy;
}

function empty(value) {
  if (Array.isArray(value)) return [];
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (value instanceof DataView) return new DataView(value.buffer.slice(0), value.byteOffset, value.byteLength);
  if (ArrayBuffer.isView(value)) return value.slice();
  if (value instanceof Error) return Object.assign(new Error(value.message), { name: value.name, stack: value.stack });
  return {};
}

function filled(value, copy, seen) {
  if (copy instanceof Map) for (const [key, item] of value) copy.set(clone(key, seen), clone(item, seen));
  else if (copy instanceof Set) for (const item of value) copy.add(clone(item, seen));
  else if (Array.isArray(copy) || Object.getPrototypeOf(copy) === Object.prototype) {
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
  }
  return copy;
}

define("structuredClone", (value) => clone(value, new Map()));
