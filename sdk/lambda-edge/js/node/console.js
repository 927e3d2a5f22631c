// `console` writes to the edge's log.
'use strict';

const { format, inspect } = require('util');
const [TRACE, DEBUG, INFO, WARN, ERROR] = [0, 1, 2, 3, 4];

const counts = new Map();
const times = new Map();
let indent = '';

const at = (level) => (...values) => {
  if (host.logEnabled(level)) host.log(level, indent + format(...values));
};

const console = {
  trace: at(TRACE), debug: at(DEBUG), log: at(INFO), info: at(INFO), warn: at(WARN), error: at(ERROR),
  assert: (truth, ...values) => { if (!truth) console.error('Assertion failed', ...values); },
  dir: (value, options) => console.log(inspect(value, options)),
  dirxml: (...values) => console.log(...values),
  table: (value) => console.log(value),
  group: (...values) => { if (values.length) console.log(...values); indent += '  '; },
  groupEnd: () => { indent = indent.slice(2); },
  count: (label = 'default') => {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    console.log(`${label}: ${counts.get(label)}`);
  },
  countReset: (label = 'default') => counts.delete(label),
  time: (label = 'default') => times.set(label, host.now()),
  timeLog: (label = 'default', ...values) => console.log(`${label}: ${host.now() - times.get(label)}ms`, ...values),
  timeEnd: (label = 'default') => { console.timeLog(label); times.delete(label); },
};
console.groupCollapsed = console.group;

module.exports = console;
