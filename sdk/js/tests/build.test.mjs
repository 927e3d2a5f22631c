import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { bundle } from "../build/bundle.mjs";
import { globalsFor } from "../build/globals.mjs";
import { loadProblem } from "../build/lines.mjs";

const ABI = { name: "rimward:filter", version: "0.1.0" };

async function withFiles(files, look) {
  const folder = await mkdtemp(join(tmpdir(), "rimward-test-"));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await look(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const bundled = (files, source = "filter.js", engine = "qjs") =>
  withFiles(files, (folder) => bundle({ source: join(folder, source), engine, abi: ABI }));

test("only the phases and interfaces that are used are there", async () => {
  const { phases, imported } = await bundled({ "filter.js": 'import { kv, geo } from "rimward"; export const request = () => kv.open("a"); export let x;' });
  assert.deepEqual(phases, ["request"]);
  assert.deepEqual(imported, ["context", "kv", "request", "text"]);
});

test("TypeScript and several files are taken", async () => {
  const { phases, code } = await bundled(
    { "filter.ts": 'import { name } from "./name"; export const response = (res: import("rimward").Response): void => res.headers.set("x", name);', "name.ts": 'export const name: string = "n";' },
    "filter.ts",
  );
  assert.deepEqual(phases, ["response"]);
  assert.match(code, /var name = "n"/);
});

test("asynchronous code is lowered for QuickJS alone", async () => {
  const files = { "filter.js": "export const request = async () => { for await (const x of y()) await x; }; async function* y() { yield 1; }" };
  assert.doesNotMatch((await bundled(files)).code, /\basync\b(?! )|\bawait\b /);
  assert.match((await bundled(files, "filter.js", "starling")).code, /\bawait\b/);
});

test("mistakes are told with their place", async () => {
  const cases = {
    "export const onRequest = 1;": /exports only `onRequest`: a filter exports functions named request/,
    "": /exports nothing/,
    'import "node:fs"; export const request = 1;': /Could not resolve "node:fs"/,
    "export const request = ;": /Unexpected ";"/,
  };
  for (const [text, expected] of Object.entries(cases)) await assert.rejects(bundled({ "filter.js": text }), expected);
});

test("globals come with the code that names them", async () => {
  const files = { "a.js": "new URL(x); Math.random()", "b.js": "console.log(Date.now())" };
  await withFiles(files, async (folder) => {
    const sources = Object.keys(files).map((name) => join(folder, name));
    assert.deepEqual(await globalsFor(sources, "qjs"), ["random.js", "date.js", "console.js", "url.js"]);
    assert.deepEqual(await globalsFor(sources, "starling"), ["random.js", "date.js", "console.js"]);
    assert.deepEqual(await globalsFor([], "qjs"), []);
  });
});

test("lines of the bundle lead to the author's", async () => {
  const text = "\n\n\nexport function request() {\n\n  throw new Error('x');\n}\n";
  const { code, lines } = await bundled({ "filter.js": text });
  const at = code.split("\n").findIndex((line) => line.includes("throw new Error(\"x\")")) + 1;
  const problem = `x: module evaluation: Error: x\n    at request (componentize-qjs:user.js:${at}:3)`;
  assert.equal(loadProblem(problem, lines), "the module fails when it is loaded: Error: x\n    at filter.js:6");
});
