// One module out of a filter's files, the API and the globals that it needs.

import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { globalsFor } from "./globals.mjs";
import { linesOf } from "./lines.mjs";
import { PHASES, phasesOf } from "./phases.mjs";

const SDK = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const HOST = /^rimward:filter\//;

/** The code, where its lines come from, the phases it implements and the interfaces of the host that it uses. */
export async function bundle({ source, engine, abi }) {
  const options = optionsFor(engine, abi);
  const { exported, files } = await look(source, options);
  const phases = phasesOf(exported, source);
  const globals = await globalsFor(files, engine);
  const result = await build({
    ...options,
    supported: globals.includes("promise.js") ? await lowered(files) : {},
    stdin: { contents: entry(source, phases, globals), resolveDir: SDK, sourcefile: "entry.js" },
    sourcemap: "external",
    outfile: "component.js",
  });
  const lines = linesOf(textOf(result, ".map"), source, files);
  const code = `${textOf(result, ".js")}${tail(lines, engine)}`;
  return { code, lines, exported, phases, imported: importsOf(result.metafile, abi) };
}

// Collecting garbage before the picture is taken makes room before an instance has to do so itself.
function tail(lines, engine) {
  return `globalThis.__rimwardLines = ${JSON.stringify(lines)};\n${engine === "qjs" ? "__cqjs.runGc();\n" : ""}`;
}

const textOf = ({ outputFiles }, ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;

function optionsFor(engine, abi) {
  return {
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["rimward", "import", "default"],
    target: "esnext",
    define: { __RIMWARD_ENGINE__: JSON.stringify(engine) },
    metafile: true,
    write: false,
    logLevel: "silent",
    plugins: [ours(abi)],
  };
}

// QuickJS runs no jobs, so that what waits has to become generators that our own promises drive. Asynchronous generators are
// lowered only where there are any, since esbuild then changes the `yield*` of others, too.
async function lowered(files) {
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const generators = texts.some((text) => /\basync\s*(function\s*)?\*/.test(text));
  return { "async-await": false, "for-await": false, ...(generators && { "async-generator": false }) };
}

// `rimward` is the API; the host's interfaces stay imports, under the ABI's version, and are dropped where nothing uses them.
function ours(abi) {
  return {
    name: "rimward",
    setup(build) {
      build.onResolve({ filter: /^rimward$/ }, () => ({ path: join(SDK, "rimward.js"), sideEffects: false }));
      build.onResolve({ filter: HOST }, ({ path }) => ({
        path: path.includes("@") ? path : `${path}@${abi.version}`,
        external: true,
        sideEffects: false,
      }));
    },
  };
}

// A first look at the filter alone: what it exports, and the files that are the author's own.
async function look(source, options) {
  const { metafile } = await build({ ...options, entryPoints: [source], outfile: "look.js" });
  const [output] = Object.values(metafile.outputs);
  const files = Object.keys(metafile.inputs).map((file) => resolve(file));
  return { exported: output.exports, files: files.filter((file) => !file.startsWith(join(SDK, "api") + "/") && file !== join(SDK, "rimward.js")) };
}

function importsOf({ outputs }, abi) {
  const paths = Object.values(outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  const wrong = paths.filter((path) => !HOST.test(path));
  if (wrong.length > 0) throw new Error(`\`${wrong[0]}\` is not there: a filter has ${abi.name} and what can be bundled, no modules of Node.js`);
  return [...new Set(paths.map((path) => path.slice(`${abi.name}/`.length).replace(/@.*/, "")))].sort();
}

// The module that the component is made of: the globals first, then the filter, then what the host calls.
function entry(source, phases, globals) {
  const used = (pick) => [...new Set(phases.flatMap((name) => pick(PHASES[name])))];
  const waits = globals.includes("promise.js");
  return [
    ...globals.filter((file) => file !== "promise.js").map((file) => `import "./globals/${file}";`),
    waits ? 'import { settle } from "./globals/promise.js";' : 'import { settle } from "./api/no-promise.js";',
    `import * as filter from ${JSON.stringify(resolve(source))};`,
    'import { running, started } from "./api/host.js";',
    'import { awaited, fail, headVerdict, NEXT, nothing } from "./api/phases.js";',
    ...used(({ args }) => args).map((name) => `import { ${name} } from "./api/${name}.js";`),
    ...(used(({ verdict }) => [verdict]).includes("chunkVerdict") ? ['import { chunkVerdict, PASS } from "./api/chunk.js";'] : []),
    ...phases.map(exportOf),
  ].join("\n");
}

// Written out for each phase, since a call of one function by another is a good part of what a small filter takes.
function exportOf(name) {
  const { wit, member, args, given, verdict, silent } = PHASES[name];
  const camel = wit.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  return `
export const ${camel} = {
  ${member}(${given ? "given" : ""}) {
    running || started();
    try {
      const returned = filter.${name}(${[...(given ? [given] : []), ...args].join(", ")});
      if (returned === undefined) return ${silent};
      if (typeof returned?.then === "function") return awaited(returned, ${verdict}, "${name}", settle);
      return ${verdict}(returned, "${name}");
    } catch (error) {
      return fail(error);
    }
  },
};`;
}
