#!/usr/bin/env node
// Makes a filter component from one JavaScript or TypeScript file and what it imports.

import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { bundle } from "./build/bundle.mjs";
import { componentize } from "./build/componentize.mjs";
import { othersOf, PHASES } from "./build/phases.mjs";
import { abiOf, writeWorld } from "./build/world.mjs";

const USAGE = `usage: node build.mjs SOURCE -o OUT [--engine qjs|starling] [--small] [--wit FILE] [--js FILE]

  -o, --output OUT   where the component is written
  --engine ENGINE    qjs (the default): 1.7 MB, a fresh heap in 0.1 ms, no web APIs but those of the SDK;
                     starling: 12 MB, 0.4 ms, many web APIs
  --small            QuickJS compiled for size: 0.5 MB less
  --wit FILE         the filter ABI, by default ../wit/filter.wit beside the SDK
  --js FILE          also writes the bundled module there, to look at

The engine may also stand in the package.json beside the source: "rimward": { "engine": "starling", "small": false }`;

const HERE = dirname(fileURLToPath(import.meta.url));

async function main() {
  const { source, output, engine, small, wit, js } = await args();
  const abi = await abiOf(wit);
  const { code, lines, exported, phases, imported } = await bundle({ source, engine, abi });
  if (js) await writeFile(js, code);
  const folder = await mkdtemp(join(tmpdir(), "rimward-js-"));
  try {
    await writeWorld(folder, wit, abi, imported, phases.map((name) => PHASES[name].wit));
    await put(output, await componentize(engine, { code, lines, wit: folder, small }));
  } finally {
    await rm(folder, { recursive: true });
  }
  for (const name of othersOf(exported)) console.error(`note: \`${name}\` is exported but is no phase: ${Object.keys(PHASES).join(", ")}`);
  console.log(`${output}: ${phases.join(", ")}; uses ${imported.join(", ")}`);
}

async function args() {
  const options = {
    output: { type: "string", short: "o" },
    engine: { type: "string" },
    small: { type: "boolean" },
    wit: { type: "string", default: join(HERE, "..", "wit", "filter.wit") },
    js: { type: "string" },
    help: { type: "boolean", short: "h" },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (positionals.length !== 1 || !values.output) throw new Error(`one source and -o are needed\n${USAGE}`);
  const [source] = positionals;
  const all = { engine: "qjs", small: false, ...(await settingsBeside(source)), ...values };
  if (!["qjs", "starling"].includes(all.engine)) throw new Error(`the engine is qjs or starling, not \`${all.engine}\``);
  return { ...all, source };
}

// What the project wants if the command line says nothing: `"rimward": { "engine": "starling" }` in its package.json.
async function settingsBeside(source) {
  const text = await readFile(join(dirname(source), "package.json"), "utf8").catch(() => "{}");
  return JSON.parse(text).rimward ?? {};
}

// Whoever watches the file sees the old component or the new one, never half of one.
async function put(output, bytes) {
  await mkdir(dirname(resolve(output)), { recursive: true });
  await writeFile(`${output}.new`, bytes);
  await rename(`${output}.new`, output);
}

function explain(error) {
  if (!error.errors) return error.code === "ERR_MODULE_NOT_FOUND" ? `${error.message}\nrun \`npm install\` in ${HERE}` : error.message;
  return error.errors.map(({ text, location }) => (location ? `${location.file}:${location.line}:${location.column}: ${text}` : text)).join("\n");
}

main().catch((error) => {
  console.error(`error: ${explain(error)}`);
  process.exitCode = 1;
});
