// structuredClone: what JSON cannot carry too, but no functions.
'use strict';

const COPIES = {
  '[object Date]': (value) => new Date(value.getTime()),
  '[object RegExp]': (value) => new RegExp(value.source, value.flags),
  '[object ArrayBuffer]': (value) => value.slice(0),
  '[object Boolean]': (value) => Object(value.valueOf()),
  '[object Number]': (value) => Object(value.valueOf()),
  '[object String]': (value) => Object(value.valueOf()),
  '[object BigInt]': (value) => Object(value.valueOf()),
};

function refuse(value) {
  throw new DOMException(`${typeof value === 'symbol' ? 'a symbol' : 'a function'} cannot be cloned`, 'DataCloneError');
}

function copyView(value, seen) {
  const buffer = clone(value.buffer, seen);
  return value instanceof DataView
    ? new DataView(buffer, value.byteOffset, value.byteLength)
    : new (Object.getPrototypeOf(value) === Buffer.prototype ? Uint8Array : value.constructor)(
      buffer, value.byteOffset, value.length);
}

function clone(value, seen) {
  if (typeof value === 'function' || typeof value === 'symbol') refuse(value);
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => { seen.set(value, copy); return copy; };
  const copy = COPIES[Object.prototype.toString.call(value)];
  if (copy) return keep(copy(value));
  if (ArrayBuffer.isView(value)) return keep(copyView(value, seen));
  if (value instanceof Map) {
    const map = keep(new Map());
    for (const [key, one] of value) map.set(clone(key, seen), clone(one, seen));
    return map;
  }
  if (value instanceof Set) {
    const set = keep(new Set());
    for (const one of value) set.add(clone(one, seen));
    return set;
  }
  if (value instanceof Error) {
    const error = keep(Object.create(Object.getPrototypeOf(value)));
    for (const key of ['name', 'message', 'stack', 'cause']) {
      if (Object.hasOwn(value, key)) {
        Object.defineProperty(error, key, { value: clone(value[key], seen), writable: true, configurable: true });
      }
    }
    return error;
  }
  const object = keep(Array.isArray(value) ? new Array(value.length) : {});
  for (const key of Object.keys(value)) object[key] = clone(value[key], seen);
  return object;
}

module.exports = (value) => clone(value, new Map());
