// What the engine calls: compile, load, handle, and the steps between. The build makes this file the body of a function
// of `host` (the functions of engine/*.c) and `files` (the other files of this folder, by name).
'use strict';

const PUBLIC = [
  'assert', 'buffer', 'console', 'crypto', 'events', 'http', 'https', 'path', 'process', 'querystring', 'rimward',
  'stream', 'stream/promises', 'string_decoder', 'timers', 'timers/promises', 'url', 'util',
];
const started = Object.create(null);

// A file of this folder; all of them run while the snapshot is made.
function file(name) {
  if (!started[name]) {
    const module = started[name] = { exports: {} };
    files[name].call(module.exports, module.exports, file, module, host);
  }
  return started[name].exports;
}

const { Missing, isNode } = file('missing');

// What `require` and `import` of a handler find.
function require(name) {
  const known = String(name).replace(/^node:/, '');
  if (PUBLIC.includes(known)) return file(known);
  throw new Missing(String(name), PUBLIC);
}

file('globals');
for (const name of PUBLIC) file(name);
const loop = file('loop');
const call = file('call');
const { inspectFault, placeOf, setFile } = file('faults');
const { required } = file('scan');

let describing = 'text'; // what the host expects of an error: a text, or the JSON of a fault

// ------------------------------------------------------------------------- compile

const IS_MODULE = /^\s*(import\s*[\w*{'"]|export\s+(default|const|let|var|async|function|class|\{|\*)|export\s*[{*])/m;

const BEFORE = '(function (exports, require, module, __filename, __dirname) {';

// A program: whether it is a module, how long its name is, the name, the bytecode.
function compileAs(name, source, isModule) {
  setFile(name, isModule ? '' : BEFORE);
  const label = new Uint8Array(host.encode(name));
  const code = new Uint8Array(host.compile(isModule ? source : `${BEFORE}${source}\n})`, name, isModule));
  const program = new Uint8Array(3 + label.length + code.length);
  program.set([isModule ? 1 : 0, label.length >> 8, label.length & 255]);
  program.set(label, 3);
  program.set(code, 3 + label.length);
  return program;
}

// Scripts are tried first, as Node does with files that do not say what they are.
function compileEither(name, source) {
  if (name.endsWith('.mjs')) return compileAs(name, source, true);
  try {
    return compileAs(name, source, false);
  } catch (error) {
    if (name.endsWith('.cjs') || !IS_MODULE.test(source)) throw error;
    return compileAs(name, source, true);
  }
}

function compile(name, text) {
  describing = 'text';
  const source = text.replace(/^\uFEFF/, '').replace(/^#!/, '//');
  const program = compileEither(name, source);
  for (const wanted of required(source)) {
    if (!PUBLIC.includes(wanted.replace(/^node:/, ''))) throw new Missing(wanted, PUBLIC);
  }
  return program;
}

// ------------------------------------------------------------------------- load and handle

function load(buffer, environment) {
  describing = 'text';
  const program = new Uint8Array(buffer);
  const isModule = program[0] === 1;
  const start = 3 + (program[1] << 8 | program[2]);
  const name = host.decode(program.subarray(3, start), false);
  file('process').env = environment;
  setFile(name, isModule ? '' : BEFORE);
  call.prepare(name, environment);
  const ran = host.run(program.subarray(start));
  if (isModule) return call.whenLoaded(ran[0], ran[1]);
  const module = { exports: {}, id: '.', filename: `/var/task/${name}`, loaded: false, children: [], paths: [] };
  ran.call(module.exports, module.exports, require, module, module.filename, '/var/task');
  module.loaded = true;
  call.whenLoaded(undefined, module.exports);
}

require.cache = Object.create(null);
require.resolve = (name) => {
  if (isNode(name) && PUBLIC.includes(name.replace(/^node:/, ''))) return name;
  throw new Missing(name, PUBLIC);
};

function handle(event) {
  describing = 'fault';
  call.begin(event);
}

function describe(error) {
  if (describing === 'fault') return JSON.stringify(inspectFault('handler', error));
  return placeOf(error);
}

return {
  compile, load, handle, require, describe,
  turn: () => !call.isOver() && loop.turn(call.waitsOnly()),
  outcome: call.outcome,
  uncaught: call.uncaught,
  rejected: call.rejected,
};
