// Query strings as Node's module reads and writes them.
'use strict';

const { Buffer } = require('buffer');

const escape = (text) => encodeURIComponent(String(text).toWellFormed());

// What is no valid encoding is decoded byte by byte, and never an error.
function unescape(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    const bytes = Buffer.from(text, 'utf8').toString('latin1')
      .replace(/%([\da-f]{2})/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
    return Buffer.from(bytes, 'latin1').toString('utf8');
  }
}

function written(value, encode) {
  if (typeof value === 'string') return encode(value);
  if (typeof value === 'number' && Number.isFinite(value)) return encode(String(value));
  return typeof value === 'bigint' || typeof value === 'boolean' ? encode(String(value)) : '';
}

function stringify(object, separator, equals, options) {
  if (object === null || typeof object !== 'object') return '';
  const encode = options?.encodeURIComponent ?? module.exports.escape;
  const pairs = [];
  for (const key of Object.keys(object)) {
    const values = Array.isArray(object[key]) ? object[key] : [object[key]];
    for (const value of values) pairs.push(`${written(key, encode)}${equals || '='}${written(value, encode)}`);
  }
  return pairs.join(separator || '&');
}

function parse(text, separator, equals, options) {
  const found = Object.create(null);
  if (typeof text !== 'string' || text === '') return found;
  const decode = options?.decodeURIComponent ?? module.exports.unescape;
  const read = (part) => {
    const spaced = part.includes('+') ? part.replace(/\+/g, ' ') : part;
    return spaced.includes('%') ? decode(spaced) : spaced;
  };
  const most = typeof options?.maxKeys === 'number' ? options.maxKeys : 1000;
  const parts = text.split(separator || '&');
  const sign = equals || '=';
  for (const part of most > 0 ? parts.slice(0, most) : parts) {
    if (part === '') continue;
    const at = part.indexOf(sign);
    const key = read(at < 0 ? part : part.slice(0, at));
    const value = at < 0 ? '' : read(part.slice(at + sign.length));
    if (!(key in found)) found[key] = value;
    else if (Array.isArray(found[key])) found[key].push(value);
    else found[key] = [found[key], value];
  }
  return found;
}

module.exports = {
  parse, stringify, escape, unescape, decode: parse, encode: stringify,
  unescapeBuffer: (text) => Buffer.from(unescape(String(text))),
};
