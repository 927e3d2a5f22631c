// Deep equality: `strict` compares prototypes and tells 1 from '1'.
'use strict';

const tagOf = (value) => Object.prototype.toString.call(value);

function equal(a, b, strict, seen) {
  if (Object.is(a, b) || (!strict && (a == b || (a !== a && b !== b)))) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (tagOf(a) !== tagOf(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  for (const [x, y] of seen) if (x === a && y === b) return true;
  const inside = [...seen, [a, b]];
  const same = (x, y) => equal(x, y, strict, inside);
  if (a instanceof Date && a.getTime() !== b.getTime()) return false;
  if (a instanceof RegExp && String(a) !== String(b)) return false;
  if (a instanceof Error && (a.message !== b.message || a.name !== b.name)) return false;
  if (/String|Number|Boolean|BigInt/.test(tagOf(a)) && !Object.is(a.valueOf(), b.valueOf())) return false;
  if (a instanceof Map) return a.size === b.size && [...a].every(([key, one]) => hasPair(b, key, one, same));
  if (a instanceof Set) return a.size === b.size && [...a].every((one) => b.has(one) || [...b].some((two) => same(one, two)));
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (keys.length !== others.length || (Array.isArray(a) && a.length !== b.length)) return false;
  return keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

function hasPair(map, key, value, same) {
  if (map.has(key)) return same(value, map.get(key));
  return [...map].some(([other, two]) => typeof key === 'object' && same(key, other) && same(value, two));
}

exports.isDeepEqual = (a, b) => equal(a, b, false, []);
exports.isDeepStrictEqual = (a, b) => equal(a, b, true, []);
