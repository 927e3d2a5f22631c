'use strict';

const { Buffer } = require('buffer');
const { unfinished } = require('encoding');

// How many bytes at the end wait for more, in each encoding that has such.
const WAITING = {
  utf8: (bytes) => unfinished(bytes, 'utf-8'),
  utf16le: (bytes) => unfinished(bytes, 'utf-16le'),
  base64: (bytes) => bytes.length % 3,
  base64url: (bytes) => bytes.length % 3,
};

class StringDecoder {
  constructor(encoding) {
    this.encoding = Buffer.nameOfEncoding(encoding);
    this.rest = Buffer.alloc(0);
  }

  write(chunk) {
    if (typeof chunk === 'string') return chunk;
    const bytes = Buffer.concat([this.rest, chunk]);
    const keep = WAITING[this.encoding]?.(bytes) ?? 0;
    this.rest = bytes.subarray(bytes.length - keep);
    return bytes.toString(this.encoding, 0, bytes.length - keep);
  }

  end(chunk) {
    const text = chunk === undefined ? '' : this.write(chunk);
    const last = this.rest.toString(this.encoding);
    this.rest = Buffer.alloc(0);
    return text + last;
  }
}

exports.StringDecoder = StringDecoder;
