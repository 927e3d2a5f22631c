import assert from "node:assert/strict";
import { test } from "node:test";

import { native } from "./native.mjs";
import { settle } from "../globals/promise.js";

const Ours = globalThis.Promise;
const oursMicrotask = globalThis.queueMicrotask;
// Node's test runner needs its own.
Object.assign(globalThis, { Promise: native.Promise, queueMicrotask: native.queueMicrotask });

const PROGRAMS = {
  "handlers run in order": (P, later, log) =>
    new P((resolve) => {
      log(1);
      P.resolve().then(() => log(3)).then(() => log(5));
      P.resolve().then(() => log(4)).then(() => log(6));
      later(() => (log("micro"), resolve("end")));
      log(2);
    }),
  "thenables and promises are waited for": (P, _, log) =>
    P.resolve({ then: (resolve) => (log("then"), resolve(P.resolve(7))) }).then((value) => value + 1),
  "an error is handed on until it is caught": (P, _, log) =>
    P.reject(new Error("no"))
      .then(() => log("never"))
      .finally(() => log("finally"))
      .catch((error) => error.message),
  "throwing rejects": (P) =>
    new P(() => {
      throw new TypeError("thrown");
    }).then(undefined, ({ name }) => name),
  "only the first settling counts": (P) => new P((resolve, reject) => (resolve(1), reject(2), resolve(3))),
  all: (P) => P.all([1, P.resolve(2), { then: (resolve) => resolve(3) }]),
  "all of none": (P) => P.all([]),
  "all, one of which fails": (P) => P.all([1, P.reject(2)]).catch((error) => `failed ${error}`),
  allSettled: (P) => P.allSettled([1, P.reject(2)]),
  any: (P) => P.any([P.reject(1), P.resolve(2)]),
  "any of none": (P) => P.any([P.reject(1)]).catch(({ name, errors }) => [name, errors]),
  race: (P) => P.race([new P(() => {}), P.resolve(1), P.resolve(2)]),
  "itself": (P) => {
    const promise = new P((resolve) => P.resolve().then(() => resolve(promise)));
    return promise.catch(({ name }) => name);
  },
};

for (const [name, program] of Object.entries(PROGRAMS)) {
  test(name, async () => {
    const run = async (P, later, wait) => {
      const lines = [];
      const value = await wait(program(P, later, (line) => lines.push(line)));
      return { lines, value };
    };
    assert.deepEqual(
      await run(Ours, oursMicrotask, (promise) => settle(promise, "test")),
      await run(native.Promise, native.queueMicrotask, (promise) => promise),
    );
  });
}

test("a promise that nothing settles is an error", () => {
  assert.throws(() => settle(new Ours(() => {}), "request"), /the promise that `request` returned is never settled/);
  assert.throws(() => settle(Ours.reject(new RangeError("no")), "request"), RangeError);
});
