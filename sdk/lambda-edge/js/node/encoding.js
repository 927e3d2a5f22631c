// TextEncoder and TextDecoder.
'use strict';

class TextEncoder {
  get encoding() { return 'utf-8'; }

  encode(text = '') {
    return new Uint8Array(host.encode(String(text)));
  }

  encodeInto(text, target) {
    let read = 0;
    let written = 0;
    for (const point of String(text)) {
      const bytes = this.encode(point);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      written += bytes.length;
      read += point.length;
    }
    return { read, written };
  }
}

const LABELS = {
  'utf-8': 'utf-8', utf8: 'utf-8', 'unicode-1-1-utf-8': 'utf-8',
  'utf-16le': 'utf-16le', 'utf-16': 'utf-16le', 'ucs-2': 'utf-16le', unicode: 'utf-16le',
  latin1: 'windows-1252', 'iso-8859-1': 'windows-1252', ascii: 'windows-1252', 'us-ascii': 'windows-1252',
  'windows-1252': 'windows-1252',
};

// What windows-1252 has at 0x80 to 0x9f.
const WINDOWS = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

function bytesOf(input) {
  if (input === undefined) return new Uint8Array(0);
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  return new Uint8Array(input);
}

function joined(first, second) {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

// How many bytes at the end of `bytes` begin a character that is not all there.
function unfinished(bytes, encoding) {
  if (encoding === 'utf-16le') {
    const odd = bytes.length % 2;
    const last = bytes[bytes.length - odd - 1];
    return last >= 0xd8 && last <= 0xdb ? odd + 2 : odd;
  }
  if (encoding !== 'utf-8') return 0;
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc2) return back < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? back : 0;
  }
  return 0;
}

const WORDS = {
  'utf-8': (bytes, fatal) => host.decode(bytes, fatal),
  'windows-1252': (bytes) => host.decodeLatin1(bytes, 255).replace(/[\x80-\x9f]/g, (c) => WINDOWS[c.charCodeAt(0) - 128]),
  'utf-16le': (bytes, fatal) => {
    let text = '';
    for (let i = 0; i + 1 < bytes.length; i += 2) text += String.fromCharCode(bytes[i] | bytes[i + 1] << 8);
    const whole = bytes.length % 2 ? `${text}\ufffd` : text;
    return fatal && (bytes.length % 2 || !whole.isWellFormed()) ? undefined : whole.toWellFormed();
  },
};

class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #rest = new Uint8Array(0);
  #begun = false;

  constructor(label = 'utf-8', options = {}) {
    this.#encoding = LABELS[String(label).trim().toLowerCase()];
    if (!this.#encoding) throw new RangeError(`the encoding \`${label}\` is not known`);
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
  }

  get encoding() { return this.#encoding; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }

  decode(input, options = {}) {
    const bytes = joined(this.#rest, bytesOf(input));
    const keep = options?.stream ? unfinished(bytes, this.#encoding) : 0;
    this.#rest = bytes.slice(bytes.length - keep);
    const text = WORDS[this.#encoding](bytes.subarray(0, bytes.length - keep), this.#fatal);
    if (text === undefined) {
      throw Object.assign(new TypeError(`The encoded data was not valid for encoding ${this.#encoding}`), { code: 'ERR_ENCODING_INVALID_ENCODED_DATA' });
    }
    const first = !this.#begun;
    this.#begun = Boolean(options?.stream) && (this.#begun || text.length > 0);
    return first && !this.#ignoreBOM && text[0] === '\ufeff' ? text.slice(1) : text;
  }
}

exports.TextEncoder = TextEncoder;
exports.TextDecoder = TextDecoder;
exports.bytesOf = bytesOf;
exports.unfinished = unfinished;
