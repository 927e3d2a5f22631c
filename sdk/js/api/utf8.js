// Text to bytes and back. QuickJS has no TextEncoder: the host does it, once there is one. Before, going by way of the engine's own
// functions is some twenty times faster than a loop over the characters.

import * as host from "rimward:filter/text";

import { running } from "./host.js";

const Encoder = globalThis.TextEncoder;
const Decoder = globalThis.TextDecoder;

/** The UTF-8 bytes of a text; halves of surrogate pairs become U+FFFD. */
export function encode(text) {
  if (Encoder) return new Encoder().encode(text);
  const whole = text.toWellFormed();
  if (running) return host.encode(whole);
  const bytes = unescape(encodeURIComponent(whole));
  return Uint8Array.fromBase64(btoa(bytes));
}

/** The text of UTF-8 bytes; what is not UTF-8 becomes U+FFFD, or is refused if `fatal`. */
export function decode(bytes, fatal = false) {
  if (Decoder) return new Decoder("utf-8", { fatal, ignoreBOM: true }).decode(bytes);
  if (running && !fatal) return host.decode(bytes);
  const latin1 = atob(bytes.toBase64());
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  try {
    return decodeURIComponent(escape(latin1));
  } catch {
    if (fatal) throw new TypeError("the bytes are not UTF-8");
    return decodeLossy(bytes);
  }
}

/** Character by character, replacing the longest wrong pieces as the Encoding Standard says. */
function decodeLossy(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const [point, length] = pointAt(bytes, i);
    text += String.fromCodePoint(point);
    i += length;
  }
  return text;
}

function pointAt(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return [first, 1];
  const more = first >= 0xc2 && first <= 0xdf ? 1 : first >= 0xe0 && first <= 0xef ? 2 : first >= 0xf0 && first <= 0xf4 ? 3 : 0;
  if (more === 0) return [0xfffd, 1];
  let point = first & (0x3f >> more);
  let [low, high] = { 0xe0: [0xa0, 0xbf], 0xed: [0x80, 0x9f], 0xf0: [0x90, 0xbf], 0xf4: [0x80, 0x8f] }[first] ?? [0x80, 0xbf];
  for (let n = 1; n <= more; n++) {
    const next = bytes[at + n];
    if (next === undefined || next < low || next > high) return [0xfffd, n];
    point = (point << 6) | (next & 0x3f);
    [low, high] = [0x80, 0xbf];
  }
  return [point, more + 1];
}

/** Bytes of what may stand for a body: a text, bytes, or nothing. */
export function bytesOf(value, what) {
  if (typeof value === "string") return encode(value);
  if (value instanceof Uint8Array) return value;
  if (value === undefined || value === null) return new Uint8Array(0);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(`${what} is ${typeof value === "object" ? "an object" : `a ${typeof value}`}: a string or a Uint8Array is wanted`);
}
