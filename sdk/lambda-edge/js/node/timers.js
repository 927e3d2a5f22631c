'use strict';

const loop = require('loop');

for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate']) {
  exports[name] = loop[name];
}
exports.promises = require('timers/promises');
