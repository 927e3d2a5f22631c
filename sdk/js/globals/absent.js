// What a filter has no use for, with an error that says what to use instead.

import { define } from "./define.js";

function absent(name, instead) {
  define(name, () => {
    throw new Error(`${name}: ${instead}`);
  });
}

const TIMERS = "a filter has no timers: a phase ends when its function returns";

for (const name of ["setTimeout", "setInterval", "setImmediate"]) absent(name, TIMERS);
for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) define(name, () => {});
absent("fetch", 'use `subrequest` of "rimward", which returns the response without a promise');
