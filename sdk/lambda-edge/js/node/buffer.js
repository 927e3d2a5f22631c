// Buffer: a Uint8Array with Node's methods.
'use strict';

const { bytesOf } = require('encoding');

const NAMES = {
  utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', base64: 'base64', base64url: 'base64url', latin1: 'latin1',
  binary: 'latin1', ascii: 'ascii', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le', 'utf-16le': 'utf16le',
};

function nameOfEncoding(encoding) {
  const name = encoding === undefined || encoding === null || encoding === ''
    ? 'utf8' : NAMES[String(encoding).toLowerCase()];
  if (name) return name;
  throw Object.assign(new TypeError(`Unknown encoding: ${encoding}`), { code: 'ERR_UNKNOWN_ENCODING' });
}

// ------------------------------------------------------------------------- encodings

function eachUnit(text, width) {
  const bytes = new Uint8Array(text.length * width);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes[i * width] = unit;
    if (width === 2) bytes[i * 2 + 1] = unit >> 8;
  }
  return bytes.buffer;
}

function decodeHex(text) {
  const digits = /^([\da-f]{2})*/i.exec(text)[0];
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.substr(i * 2, 2), 16);
  return bytes.buffer;
}

function decodeUtf16(bytes) {
  let text = '';
  for (let i = 0; i + 1 < bytes.length; i += 2) text += String.fromCharCode(bytes[i] | bytes[i + 1] << 8);
  return text;
}

const ENCODE = {
  utf8: (text) => host.encode(text),
  hex: decodeHex,
  base64: (text) => host.decodeBase64(text),
  base64url: (text) => host.decodeBase64(text),
  latin1: (text) => eachUnit(text, 1),
  ascii: (text) => eachUnit(text, 1),
  utf16le: (text) => eachUnit(text, 2),
};

const DECODE = {
  utf8: (bytes) => host.decode(bytes, false),
  hex: (bytes) => host.encodeHex(bytes),
  base64: (bytes) => host.encodeBase64(bytes, false),
  base64url: (bytes) => host.encodeBase64(bytes, true),
  latin1: (bytes) => host.decodeLatin1(bytes, 0xff),
  ascii: (bytes) => host.decodeLatin1(bytes, 0x7f),
  utf16le: decodeUtf16,
};

// ------------------------------------------------------------------------- making

const buffer = (...view) => Object.setPrototypeOf(new Uint8Array(...view), Buffer.prototype);

function Buffer(value, encodingOrOffset, length) {
  return typeof value === 'number' ? Buffer.alloc(value) : Buffer.from(value, encodingOrOffset, length);
}
Object.setPrototypeOf(Buffer, Uint8Array);
Buffer.prototype = Object.create(Uint8Array.prototype, {
  constructor: { value: Buffer, writable: true, configurable: true },
});

const typeError = (text) => Object.assign(new TypeError(text), { code: 'ERR_INVALID_ARG_TYPE' });

function size(value) {
  if (typeof value !== 'number') throw typeError(`the size must be a number, it is ${typeof value}`);
  if (!(value >= 0 && value <= 0x7fffffff)) {
    throw Object.assign(new RangeError(`the size ${value} is out of range`), { code: 'ERR_OUT_OF_RANGE' });
  }
  return value;
}

Object.assign(Buffer, {
  poolSize: 8192,
  nameOfEncoding,

  from(value, encodingOrOffset, length) {
    if (typeof value === 'string') return buffer(ENCODE[nameOfEncoding(encodingOrOffset)](value));
    if (value instanceof ArrayBuffer) return buffer(value, encodingOrOffset, length);
    if (ArrayBuffer.isView(value) || Array.isArray(value)) return buffer(value);
    if (value?.type === 'Buffer' && Array.isArray(value.data)) return buffer(value.data);
    const plain = value?.valueOf?.();
    if (plain !== value && plain !== undefined && plain !== null) return Buffer.from(plain, encodingOrOffset, length);
    if (typeof value === 'object' && value !== null && 'length' in value) return buffer(Array.from(value));
    throw typeError('a Buffer is made from a string, an ArrayBuffer, a Buffer or an array');
  },

  alloc(length, fill, encoding) {
    const made = buffer(size(length));
    return fill === undefined || fill === 0 ? made : made.fill(fill, encoding);
  },
  allocUnsafe: (length) => buffer(size(length)),
  allocUnsafeSlow: (length) => buffer(size(length)),
  of: (...values) => buffer(values),
  isBuffer: (value) => value instanceof Buffer,
  isEncoding: (name) => typeof name === 'string' && name.toLowerCase() in NAMES,

  byteLength(value, encoding) {
    if (typeof value !== 'string') return value.byteLength;
    return ENCODE[nameOfEncoding(encoding)](value).byteLength;
  },

  concat(list, length) {
    const whole = length ?? list.reduce((sum, one) => sum + one.length, 0);
    const made = buffer(whole);
    let at = 0;
    for (const one of list) {
      if (at + one.length > whole) made.set(one.subarray(0, whole - at), at);
      else made.set(one, at);
      at = Math.min(whole, at + one.length);
    }
    return made;
  },

  compare(a, b) {
    const shorter = Math.min(a.length, b.length);
    for (let i = 0; i < shorter; i++) {
      if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return Math.sign(a.length - b.length);
  },
});

// ------------------------------------------------------------------------- methods

function needle(value, encoding) {
  if (typeof value === 'number') return buffer([value]);
  return typeof value === 'string' ? Buffer.from(value, encoding) : value;
}

function isAt(bytes, wanted, at) {
  for (let i = 0; i < wanted.length; i++) {
    if (bytes[at + i] !== wanted[i]) return false;
  }
  return true;
}

function find(bytes, value, offset, encoding, back) {
  if (typeof offset === 'string') return find(bytes, value, undefined, offset, back);
  const wanted = needle(value, encoding);
  const last = bytes.length - wanted.length;
  let at = Number(offset ?? (back ? last : 0)) || 0;
  if (at < 0) at += bytes.length;
  if (back) {
    for (at = Math.min(at, last); at >= 0; at--) if (isAt(bytes, wanted, at)) return at;
    return -1;
  }
  for (at = Math.max(at, 0); at <= last; at++) if (isAt(bytes, wanted, at)) return at;
  return -1;
}

function swap(bytes, width) {
  if (bytes.length % width) throw new RangeError(`the length must be a multiple of ${width}`);
  for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
  return bytes;
}

const methods = {
  toString(encoding, start = 0, end = this.length) {
    const [from, to] = [Math.max(0, start | 0), Math.min(this.length, end)];
    if (to <= from) return '';
    const whole = from === 0 && to === this.length;
    return DECODE[nameOfEncoding(encoding)](whole ? this : this.subarray(from, to));
  },
  toLocaleString(encoding, start, end) { return this.toString(encoding, start, end); },
  toJSON() { return { type: 'Buffer', data: Array.from(this) }; },
  equals(other) { return Buffer.compare(this, other) === 0; },
  compare(other, from = 0, to = other.length, start = 0, end = this.length) {
    return Buffer.compare(this.subarray(start, end), other.subarray(from, to));
  },
  subarray(start, end) {
    return Object.setPrototypeOf(Uint8Array.prototype.subarray.call(bytesOf(this), start, end), Buffer.prototype);
  },
  slice(start, end) { return this.subarray(start, end); },

  write(text, offset, length, encoding) {
    if (typeof offset === 'string') return this.write(text, 0, this.length, offset);
    if (typeof length === 'string') return this.write(text, offset, undefined, length);
    const at = offset ?? 0;
    const room = Math.min(this.length - at, length ?? this.length);
    const name = nameOfEncoding(encoding);
    let bytes = Buffer.from(text, name);
    if (bytes.length > room) {
      bytes = bytes.subarray(0, room);
      // no half characters
      while (name === 'utf8' && bytes.length && !text.startsWith(bytes.toString())) bytes = bytes.subarray(0, -1);
    }
    this.set(bytes, at);
    return bytes.length;
  },

  copy(target, at = 0, start = 0, end = this.length) {
    const room = Math.max(0, Math.min(end - start, target.length - at));
    target.set(bytesOf(this).subarray(start, start + room), at);
    return Math.min(room, this.length - start);
  },

  fill(value, start, end, encoding) {
    if (typeof start === 'string') return this.fill(value, 0, this.length, start);
    if (typeof end === 'string') return this.fill(value, start, this.length, end);
    const part = bytesOf(this).subarray(start ?? 0, end ?? this.length);
    const pattern = typeof value === 'number' ? null : needle(value, encoding);
    if (!pattern?.length) part.fill(typeof value === 'number' ? value & 255 : 0);
    else for (let i = 0; i < part.length; i++) part[i] = pattern[i % pattern.length];
    return this;
  },

  indexOf(value, offset, encoding) { return find(this, value, offset, encoding, false); },
  lastIndexOf(value, offset, encoding) { return find(this, value, offset, encoding, true); },
  includes(value, offset, encoding) { return find(this, value, offset, encoding, false) >= 0; },
  swap16() { return swap(this, 2); },
  swap32() { return swap(this, 4); },
  swap64() { return swap(this, 8); },
};

// ------------------------------------------------------------------------- numbers in bytes

const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function outOfRange() {
  return Object.assign(new RangeError('the offset is outside of the Buffer'), { code: 'ERR_OUT_OF_RANGE' });
}

function addNumber(name, kind, width, little) {
  methods[`read${name}`] = function (offset = 0) {
    if (!(offset >= 0 && offset + width <= this.length)) throw outOfRange();
    return viewOf(this)[`get${kind}`](offset, little);
  };
  methods[`write${name}`] = function (value, offset = 0) {
    if (!(offset >= 0 && offset + width <= this.length)) throw outOfRange();
    viewOf(this)[`set${kind}`](offset, value, little);
    return offset + width;
  };
  if (/UInt/.test(name)) {
    for (const verb of ['read', 'write']) methods[verb + name.replace('UInt', 'Uint')] = methods[verb + name];
  }
}

addNumber('UInt8', 'Uint8', 1);
addNumber('Int8', 'Int8', 1);
for (const [suffix, little] of [['LE', true], ['BE', false]]) {
  addNumber(`UInt16${suffix}`, 'Uint16', 2, little);
  addNumber(`Int16${suffix}`, 'Int16', 2, little);
  addNumber(`UInt32${suffix}`, 'Uint32', 4, little);
  addNumber(`Int32${suffix}`, 'Int32', 4, little);
  addNumber(`BigUInt64${suffix}`, 'BigUint64', 8, little);
  addNumber(`BigInt64${suffix}`, 'BigInt64', 8, little);
  addNumber(`Float${suffix}`, 'Float32', 4, little);
  addNumber(`Double${suffix}`, 'Float64', 8, little);

  const place = (width, i) => (little ? i : width - 1 - i);
  methods[`readUInt${suffix}`] = methods[`readUint${suffix}`] = function (offset, width) {
    if (!(offset >= 0 && offset + width <= this.length)) throw outOfRange();
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this[offset + place(width, i)];
    return value;
  };
  methods[`readInt${suffix}`] = function (offset, width) {
    const value = this[`readUInt${suffix}`](offset, width);
    return value >= 2 ** (8 * width - 1) ? value - 2 ** (8 * width) : value;
  };
  const write = function (value, offset, width) {
    if (!(offset >= 0 && offset + width <= this.length)) throw outOfRange();
    let rest = value < 0 ? value + 2 ** (8 * width) : value;
    for (let i = 0; i < width; i++) {
      this[offset + place(width, i)] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return offset + width;
  };
  methods[`writeUInt${suffix}`] = methods[`writeUint${suffix}`] = methods[`writeInt${suffix}`] = write;
}

for (const [name, value] of Object.entries(methods)) {
  Object.defineProperty(Buffer.prototype, name, { value, writable: true, configurable: true });
}
Object.defineProperty(Buffer.prototype, 'parent', { get() { return this.buffer; }, configurable: true });

module.exports = {
  Buffer,
  SlowBuffer: Buffer.alloc,
  kMaxLength: 0x7fffffff,
  constants: { MAX_LENGTH: 0x7fffffff, MAX_STRING_LENGTH: 0x3fffffff },
  INSPECT_MAX_BYTES: 50,
  atob: globalThis.atob,
  btoa: globalThis.btoa,
  isUtf8: (input) => host.decode(bytesOf(input), true) !== undefined,
  isAscii: (input) => bytesOf(input).every((byte) => byte < 128),
};
