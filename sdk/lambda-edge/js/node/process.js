// As much of `process` as handlers and the packages in them look at.
'use strict';

const loop = require('loop');
const nothing = () => process;

const process = {
  env: {},
  argv: ['node'],
  execArgv: [],
  title: 'node',
  pid: 1,
  platform: 'linux',
  arch: 'wasm32',
  version: 'v20.0.0',
  versions: { node: '20.0.0' },
  release: { name: 'node' },
  exitCode: undefined,
  cwd: () => '/var/task',
  nextTick: (action, ...values) => queueMicrotask(() => action(...values)),
  uptime: () => (host.now() - loop.started()) / 1000,
  hrtime: Object.assign((since) => {
    const now = host.now();
    const [seconds, nanoseconds] = [Math.floor(now / 1000), Math.floor(now % 1000) * 1e6];
    if (!since) return [seconds, nanoseconds];
    const past = nanoseconds - since[1];
    return past < 0 ? [seconds - since[0] - 1, past + 1e9] : [seconds - since[0], past];
  }, { bigint: () => BigInt(host.now()) * 1000000n }),
  memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
  emitWarning: (warning) => console.warn(String(warning?.message ?? warning)),
  exit: () => { throw new Error('process.exit is not there: a handler ends by its answer'); },
  on: nothing, once: nothing, off: nothing, addListener: nothing, removeListener: nothing, removeAllListeners: nothing,
  emit: () => false,
  listeners: () => [],
  listenerCount: () => 0,
  stdout: { isTTY: false, write: (text) => { console.log(String(text).replace(/\n$/, '')); return true; } },
  stderr: { isTTY: false, write: (text) => { console.error(String(text).replace(/\n$/, '')); return true; } },
};

module.exports = process;
