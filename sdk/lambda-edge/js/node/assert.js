'use strict';

const { inspect } = require('inspect');
const { isDeepEqual, isDeepStrictEqual } = require('equal');

class AssertionError extends Error {
  constructor({ message, actual, expected, operator }) {
    super(message ?? `${inspect(actual)} ${operator} ${inspect(expected)}`);
    this.name = 'AssertionError';
    this.code = 'ERR_ASSERTION';
    this.generatedMessage = message === undefined;
    Object.assign(this, { actual, expected, operator });
  }
}

function check(good, message, actual, expected, operator) {
  if (good) return;
  if (message instanceof Error) throw message;
  throw new AssertionError({ message, actual, expected, operator });
}

// Whether an error is the one expected: a class, a pattern, a function that judges, or an object of properties.
function isExpected(error, expected) {
  if (expected === undefined || typeof expected === 'string') return true;
  if (expected instanceof RegExp) return expected.test(String(error));
  if (typeof expected !== 'function') {
    return Object.keys(expected).every((key) => (expected[key] instanceof RegExp && typeof error[key] === 'string'
      ? expected[key].test(error[key]) : isDeepStrictEqual(error[key], expected[key])));
  }
  if (expected.prototype !== undefined && error instanceof expected) return true;
  return !Error.isPrototypeOf(expected) && expected !== Error && expected.call({}, error) === true;
}

function judge(thrown, expected, message) {
  const text = typeof expected === 'string' ? expected : message;
  check(thrown, text ?? 'Missing expected exception.', undefined, expected, 'throws');
  if (!isExpected(thrown.error, expected)) throw thrown.error;
}

function caught(action) {
  try {
    action();
  } catch (error) {
    return { error };
  }
  return null;
}

async function caughtLater(action) {
  try {
    await (typeof action === 'function' ? action() : action);
  } catch (error) {
    return { error };
  }
  return null;
}

const assert = (value, message) => check(value, message, value, true, '==');

Object.assign(assert, {
  AssertionError,
  ok: assert,
  fail: (message = 'Failed') => check(false, message, undefined, undefined, 'fail'),
  equal: (a, b, message) => check(a == b || (a !== a && b !== b), message, a, b, '=='),
  notEqual: (a, b, message) => check(a != b, message, a, b, '!='),
  strictEqual: (a, b, message) => check(Object.is(a, b), message, a, b, '==='),
  notStrictEqual: (a, b, message) => check(!Object.is(a, b), message, a, b, '!=='),
  deepEqual: (a, b, message) => check(isDeepEqual(a, b), message, a, b, 'deepEqual'),
  notDeepEqual: (a, b, message) => check(!isDeepEqual(a, b), message, a, b, 'notDeepEqual'),
  deepStrictEqual: (a, b, message) => check(isDeepStrictEqual(a, b), message, a, b, 'deepStrictEqual'),
  notDeepStrictEqual: (a, b, message) => check(!isDeepStrictEqual(a, b), message, a, b, 'notDeepStrictEqual'),
  match: (text, pattern, message) => check(pattern.test(text), message, text, pattern, 'match'),
  doesNotMatch: (text, pattern, message) => check(!pattern.test(text), message, text, pattern, 'doesNotMatch'),
  throws: (action, expected, message) => judge(caught(action), expected, message),
  rejects: async (action, expected, message) => judge(await caughtLater(action), expected, message),
  doesNotThrow: (action) => { const thrown = caught(action); if (thrown) throw thrown.error; },
  doesNotReject: async (action) => { const thrown = await caughtLater(action); if (thrown) throw thrown.error; },
  ifError: (value) => { if (value !== null && value !== undefined) throw value; },
});

assert.strict = Object.assign((value, message) => assert(value, message), assert, {
  equal: assert.strictEqual, notEqual: assert.notStrictEqual,
  deepEqual: assert.deepStrictEqual, notDeepEqual: assert.notDeepStrictEqual,
});
assert.strict.strict = assert.strict;

module.exports = assert;
