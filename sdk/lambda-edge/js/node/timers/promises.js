'use strict';

const loop = require('loop');

exports.setTimeout = (delay, value) => new Promise((resolve) => { loop.setTimeout(resolve, delay, value); });
exports.setImmediate = (value) => new Promise((resolve) => { loop.setImmediate(resolve, value); });
exports.scheduler = { wait: (delay) => exports.setTimeout(delay), yield: () => exports.setImmediate() };
