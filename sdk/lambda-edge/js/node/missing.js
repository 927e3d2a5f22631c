// The error that names a module which is not there, and says what to do.
'use strict';

const OF_NODE = new Set((
  'assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain events '
  + 'fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl stream '
  + 'string_decoder sys test timers tls trace_events tty url util v8 vm wasi worker_threads zlib'
).split(' '));

const isNode = (name) => name.startsWith('node:') || OF_NODE.has(name.split('/')[0]);

class Missing extends Error {
  constructor(name, there) {
    super(`module \`${name}\` is not there: ${Missing.advice(name, there)}`);
    this.name = 'Error';
    this.code = 'MODULE_NOT_FOUND';
  }

  static advice(name, there) {
    if (/^[./]/.test(name)) return 'a handler is one file, so bundle what belongs to it into that file';
    const list = there.map((one) => `\`${one}\``).join(', ');
    if (isNode(name)) return `of Node's modules a handler has ${list}`;
    if (/^(aws-sdk|@aws-sdk\/)/.test(name)) return 'the edge has no AWS; its stores are in the module `rimward`';
    return 'bundle the package into the file of the handler';
  }
}

exports.Missing = Missing;
exports.isNode = isNode;
