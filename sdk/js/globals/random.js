// Randomness from the host. An engine's own `Math.random` was seeded when the component was built: it would give every
// instance the same numbers.

import { randomU64 } from "rimward:filter/clock";

import { onlyInPhases } from "../api/host.js";
import { define } from "./define.js";

// A 64-bit number may come rounded to 53 bits, so only its upper half is used.
function random32(what) {
  onlyInPhases(what);
  return Math.floor(Number(randomU64()) / 2 ** 32) >>> 0;
}

Math.random = () => (random32("Math.random") * 2 ** 21 + (random32("Math.random") >>> 11)) / 2 ** 53;

function getRandomValues(into) {
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  if (bytes.length > 65536) throw new RangeError("getRandomValues gives at most 65536 bytes");
  for (let i = 0; i < bytes.length; i += 4) {
    const number = random32("crypto.getRandomValues");
    for (let n = i; n < Math.min(i + 4, bytes.length); n++) bytes[n] = number >>> ((n - i) * 8);
  }
  return into;
}

function randomUUID() {
  const bytes = getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// What else a `crypto` has, as StarlingMonkey's, stays.
if (!globalThis.crypto) define("crypto", {});
define("getRandomValues", getRandomValues, globalThis.crypto);
define("randomUUID", randomUUID, globalThis.crypto);
