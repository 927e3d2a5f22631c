'use strict';

const { inspect, format } = require('inspect');
const { isDeepStrictEqual } = require('equal');
const { TextEncoder, TextDecoder } = require('encoding');

const CUSTOM = Symbol.for('nodejs.util.promisify.custom');

// A function that takes a callback last becomes one that returns a promise.
function promisify(original) {
  if (typeof original !== 'function') throw new TypeError('promisify needs a function');
  if (original[CUSTOM]) return original[CUSTOM];
  return Object.setPrototypeOf(function (...values) {
    return new Promise((resolve, reject) => {
      original.call(this, ...values, (error, value) => (error ? reject(error) : resolve(value)));
    });
  }, Object.getPrototypeOf(original));
}
promisify.custom = CUSTOM;

function callbackify(original) {
  return function (...values) {
    const callback = values.pop();
    original.apply(this, values).then(
      (value) => queueMicrotask(() => callback(null, value)),
      (error) => queueMicrotask(() => callback(error ?? new Error('rejected with nothing'))),
    );
  };
}

function inherits(child, parent) {
  Object.defineProperty(child, 'super_', { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(child.prototype, parent.prototype);
}

function deprecate(action) {
  return action;
}

const is = (make) => (value) => value instanceof make;
const tagged = (tag) => (value) => Object.prototype.toString.call(value) === `[object ${tag}]`;

const types = {
  isPromise: is(Promise), isDate: is(Date), isRegExp: is(RegExp), isNativeError: is(Error), isMap: is(Map), isSet: is(Set),
  isWeakMap: is(WeakMap), isWeakSet: is(WeakSet), isArrayBuffer: is(ArrayBuffer), isAnyArrayBuffer: is(ArrayBuffer),
  isDataView: is(DataView), isUint8Array: is(Uint8Array),
  isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView),
  isArrayBufferView: ArrayBuffer.isView,
  isAsyncFunction: tagged('AsyncFunction'), isGeneratorFunction: tagged('GeneratorFunction'),
  isBoxedPrimitive: (value) => typeof value === 'object' && value !== null && value !== Object(value.valueOf()) && typeof value.valueOf() !== 'object',
};

module.exports = {
  inspect, format, promisify, callbackify, inherits, deprecate, types, isDeepStrictEqual, TextEncoder, TextDecoder,
  formatWithOptions: (options, ...values) => format(...values),
  debuglog: () => Object.assign(() => {}, { enabled: false }),
  debug: () => Object.assign(() => {}, { enabled: false }),
  stripVTControlCharacters: (text) => text.replace(/\u001b\[[\d;]*[A-Za-z]/g, ''),
  toUSVString: (text) => String(text).toWellFormed(),
  isArray: Array.isArray,
  isBoolean: (value) => typeof value === 'boolean',
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNumber: (value) => typeof value === 'number',
  isString: (value) => typeof value === 'string',
  isUndefined: (value) => value === undefined,
  isRegExp: types.isRegExp,
  isObject: (value) => value !== null && typeof value === 'object',
  isDate: types.isDate,
  isError: types.isNativeError,
  isFunction: (value) => typeof value === 'function',
};
