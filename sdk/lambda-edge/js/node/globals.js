// What handlers find without asking for it.
'use strict';

const define = (name, value) => Object.defineProperty(globalThis, name, {
  value, writable: true, enumerable: false, configurable: true,
});

const loop = require('loop');
const { TextEncoder, TextDecoder } = require('encoding');
const { URL, URLSearchParams } = require('url');
const web = require('fetch');
const crypto = require('crypto');

define('global', globalThis);
define('console', require('console'));
define('process', require('process'));
define('Buffer', require('buffer').Buffer);
define('TextEncoder', TextEncoder);
define('TextDecoder', TextDecoder);
define('URL', URL);
define('URLSearchParams', URLSearchParams);
define('crypto', crypto.webcrypto);
define('CryptoKey', crypto.webcrypto.CryptoKey);
define('structuredClone', require('clone'));
for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate']) {
  define(name, loop[name]);
}
for (const name of ['fetch', 'Headers', 'Request', 'Response', 'AbortController', 'AbortSignal', 'Event', 'EventTarget']) {
  define(name, web[name]);
}
define('performance', {
  get timeOrigin() { return loop.started(); },
  now: () => host.now() - loop.started(),
});
Math.random = host.randomFraction;
