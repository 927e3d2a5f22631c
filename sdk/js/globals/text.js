// `TextEncoder` and `TextDecoder` for UTF-8.

import { decode, encode } from "../api/utf8.js";
import { define } from "./define.js";

const BOM = "\ufeff";

class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return encode(String(text));
  }

  encodeInto(text, into) {
    let read = 0;
    let written = 0;
    for (const character of String(text)) {
      const bytes = encode(character);
      if (written + bytes.length > into.length) break;
      into.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

class TextDecoder {
  #rest = new Uint8Array(0);
  #begun = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(utf-?8|unicode-1-1-utf-8)\s*$/i.test(label)) throw new RangeError(`TextDecoder: only utf-8 is there, not \`${label}\``);
    Object.assign(this, { encoding: "utf-8", fatal, ignoreBOM });
  }

  decode(input = new Uint8Array(0), { stream = false } = {}) {
    let bytes = concat(this.#rest, view(input));
    const whole = stream ? wholeCharacters(bytes) : bytes.length;
    this.#rest = bytes.slice(whole);
    let text = decode(bytes.subarray(0, whole), this.fatal);
    if (!this.#begun && !this.ignoreBOM && text.startsWith(BOM)) text = text.slice(1);
    this.#begun = stream && (this.#begun || whole > 0);
    return text;
  }
}

const view = (input) => (ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input));

function concat(first, second) {
  if (first.length === 0) return second;
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

// How many of the bytes end with a whole character; the others wait for more.
function wholeCharacters(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

define("TextEncoder", TextEncoder);
define("TextDecoder", TextDecoder);
