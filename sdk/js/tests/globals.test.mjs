import assert from "node:assert/strict";
import { test } from "node:test";

import { native } from "./native.mjs";
import "../globals/clone.js";
import "../globals/headers.js";

test("Headers are those of the Fetch Standard", () => {
  const run = (Class) => {
    const headers = new Class({ B: "1", a: " x " });
    headers.append("b", "2");
    headers.append("Set-Cookie", "s=1");
    headers.append("set-cookie", "t=2");
    const got = [headers.get("B"), headers.get("none"), headers.has("A"), headers.getSetCookie(), [...headers], [...headers.keys()]];
    headers.set("b", "3");
    headers.delete("a");
    return [...got, [...headers.entries()], [...new Class(headers)]];
  };
  assert.deepEqual(run(Headers), run(native.Headers));
  for (const wrong of [() => new Headers({ "a b": "1" }), () => new Headers({ a: "1\n2" })]) assert.throws(wrong, TypeError);
});

test("structuredClone copies what can be copied", () => {
  const value = { a: [1, { b: new Date(5) }], m: new Map([["k", new Set([1n])]]), r: /x/gi, u: new Uint8Array([1, 2]), e: new RangeError("no"), n: null };
  value.self = value;
  const copy = structuredClone(value);
  assert.deepEqual(copy.a, native.structuredClone(value).a);
  assert.deepEqual([copy.m, copy.r, copy.u, copy.n, copy.e.message], [value.m, value.r, value.u, null, "no"]);
  assert.equal(copy.self, copy);
  assert.notEqual(copy.u, value.u);
  assert.throws(() => structuredClone(() => {}), { name: "DataCloneError" });
});
