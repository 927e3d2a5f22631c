// QuickJS has no TextDecoder, and Node 20 no Uint8Array.fromBase64: the one is taken away, the other is lent.

import assert from "node:assert/strict";
import { test } from "node:test";

import { native } from "./native.mjs";

Uint8Array.fromBase64 ??= (text) => new Uint8Array(Buffer.from(text, "base64"));
Uint8Array.prototype.toBase64 ??= function () {
  return Buffer.from(this).toString("base64");
};
delete globalThis.TextDecoder;
delete globalThis.TextEncoder;
await import("../globals/text.js");
const { started } = await import("../api/host.js");

const BYTES = [
  [],
  [0x61, 0x62],
  [0xc3, 0xa4, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80],
  [0x61, 0xff, 0x62],
  [0xe2, 0x82, 0x62],
  [0xe2, 0x82],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xf0, 0x80, 0x80, 0x80],
  [0x80, 0xbf, 0xc3],
  [0xef, 0xbb, 0xbf, 0x61],
];

// The same while the module is loaded, when the engine has to do it, and in phases, when the host does.
for (const when of ["loading", "running"]) {
  test(`text and bytes while ${when}`, async (all) => {
    if (when === "running") started();
    for (const bytes of BYTES) {
      await all.test(`the text of ${bytes.map((byte) => byte.toString(16)).join(" ") || "nothing"}`, () => {
        const given = Uint8Array.from(bytes);
        assert.equal(new TextDecoder().decode(given), new native.TextDecoder().decode(given));
        assert.equal(new TextDecoder("utf8", { ignoreBOM: true }).decode(given), new native.TextDecoder("utf8", { ignoreBOM: true }).decode(given));
      });
    }

    await all.test("text that comes in pieces", () => {
      const bytes = new native.TextEncoder().encode("\ufeffaä€😀z");
      for (let size = 1; size < 5; size++) {
        const decoder = new TextDecoder();
        let text = "";
        for (let at = 0; at < bytes.length; at += size) text += decoder.decode(bytes.subarray(at, at + size), { stream: true });
        assert.equal(text + decoder.decode(), "aä€😀z");
      }
    });

    await all.test("what is not UTF-8 is refused if that is asked for", () => {
      assert.throws(() => new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.of(0xff)), TypeError);
      assert.throws(() => new TextDecoder("latin1"), RangeError);
    });

    await all.test("bytes of text", () => {
      for (const text of ["", "a", "äöü€😀", "\ud800", "a\ud800b\udc00"]) {
        assert.deepEqual(new TextEncoder().encode(text), new native.TextEncoder().encode(text));
      }
      const into = new Uint8Array(4);
      assert.deepEqual(new TextEncoder().encodeInto("aä€", into), { read: 2, written: 3 });
    });
  });
}
