// What happens later: timers, and responses that are waited for. Nothing sleeps here: a timer runs when everything else
// is done, and moves the clock of the call ahead to its time.
'use strict';

const immediates = [];
const timers = new Map(); // by number
const waits = []; // in the order they were sent
let next = 1;
let started = 0;
let limit = 5000;
let ahead = 0;

class Late extends Error {
  constructor() {
    super(`a timer is set beyond the time limit of ${limit} ms`);
    this.name = 'TimeoutError';
  }
}

exports.begin = (milliseconds) => {
  limit = milliseconds;
  ahead = 0;
  host.setAhead(0);
  started = host.now();
};
exports.remaining = () => Math.max(0, limit - (host.now() - started));
exports.started = () => started;
exports.isLate = (error) => error instanceof Late;

// ------------------------------------------------------------------------- timers

class Timer {
  constructor(action, delay, every, values) {
    if (typeof action !== 'function') throw new TypeError('a timer needs a function');
    const wait = Number(delay);
    Object.defineProperties(this, {
      number: { value: next++ }, action: { value: action }, values: { value: values },
      delay: { value: wait >= 1 && wait <= 0x7fffffff ? Math.floor(wait) : 1 }, every: { value: every },
      due: { value: 0, writable: true },
    });
    this.refresh();
  }

  refresh() {
    this.due = host.now() + this.delay;
    timers.set(this.number, this);
    return this;
  }

  ref() { return this; }
  unref() { return this; }
  hasRef() { return true; }
  close() { clear(this); return this; }
  [Symbol.toPrimitive]() { return this.number; }
}

function clear(timer) {
  if (timer === undefined || timer === null) return;
  timers.delete(Number(timer.number ?? timer));
  const at = immediates.indexOf(timer);
  if (at >= 0) immediates.splice(at, 1);
}

exports.setTimeout = (action, delay, ...values) => new Timer(action, delay, false, values);
exports.setInterval = (action, delay, ...values) => new Timer(action, delay, true, values);
exports.clearTimeout = exports.clearInterval = exports.clearImmediate = clear;
exports.setImmediate = (action, ...values) => {
  if (typeof action !== 'function') throw new TypeError('setImmediate needs a function');
  const immediate = { action, values };
  immediates.push(immediate);
  return immediate;
};

function runTimer() {
  let first;
  for (const timer of timers.values()) {
    if (!first || timer.due < first.due) first = timer;
  }
  if (!first) return false;
  const now = host.now();
  if (first.due - started > limit) throw new Late();
  if (first.due > now) host.setAhead(ahead += first.due - now);
  if (first.every) first.due += first.delay;
  else timers.delete(first.number);
  first.action(...first.values);
  return true;
}

// ------------------------------------------------------------------------- responses

// `settle(error, response)` is called with what comes; the result takes it back.
exports.wait = (pending, settle) => {
  const wait = { pending, settle };
  waits.push(wait);
  return () => {
    const at = waits.indexOf(wait);
    if (at < 0) return;
    waits.splice(at, 1);
    host.cancel(pending);
  };
};

function runWait() {
  const wait = waits.shift();
  if (!wait) return false;
  let response;
  try {
    response = host.wait(wait.pending);
  } catch (error) {
    wait.settle(error);
    return true;
  }
  wait.settle(null, response);
  return true;
}

// ------------------------------------------------------------------------- the loop

// Does one thing, the most urgent; false when there is none.
exports.turn = (waitsOnly) => {
  const immediate = immediates.shift();
  if (immediate) {
    immediate.action(...immediate.values);
    return true;
  }
  return runWait() || (!waitsOnly && runTimer());
};

exports.clear = () => {
  for (const wait of waits.splice(0)) host.cancel(wait.pending);
  immediates.length = 0;
  timers.clear();
};
