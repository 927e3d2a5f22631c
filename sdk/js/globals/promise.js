// Promises that the build's own loop settles. QuickJS without the component model's async ABI never runs its jobs, so
// `async` functions are lowered to generators and `Promise` is ours.

import { define } from "./define.js";

const jobs = [];

function runJobs() {
  try {
    for (let next = 0; next < jobs.length; next++) jobs[next]();
  } finally {
    jobs.length = 0;
  }
}

const later = (job) => {
  jobs.push(job);
};

class Promise {
  #state = "pending";
  #value;
  #reactions = [];

  constructor(executor) {
    const { resolve, reject } = this.#settlers();
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  then(onFulfilled, onRejected) {
    return new Promise((resolve, reject) => {
      const react = (handler, otherwise) => () => {
        if (typeof handler !== "function") return otherwise(this.#value);
        try {
          resolve(handler(this.#value));
        } catch (error) {
          reject(error);
        }
      };
      const reaction = { fulfilled: react(onFulfilled, resolve), rejected: react(onRejected, reject) };
      if (this.#state === "pending") this.#reactions.push(reaction);
      else later(reaction[this.#state]);
    });
  }

  catch(onRejected) {
    return this.then(undefined, onRejected);
  }

  finally(call) {
    return this.then(
      (value) => Promise.resolve(call()).then(() => value),
      (error) => Promise.resolve(call()).then(() => Promise.reject(error)),
    );
  }

  get [Symbol.toStringTag]() {
    return "Promise";
  }

  #settlers() {
    let done = false;
    const once = (call) => (value) => {
      if (done) return;
      done = true;
      call(value);
    };
    return { resolve: once((value) => this.#resolve(value)), reject: once((error) => this.#settle("rejected", error)) };
  }

  #resolve(value) {
    if (value === this) return this.#settle("rejected", new TypeError("a promise can't wait for itself"));
    let then;
    try {
      then = (typeof value === "object" && value !== null) || typeof value === "function" ? value.then : undefined;
    } catch (error) {
      return this.#settle("rejected", error);
    }
    if (typeof then !== "function") return this.#settle("fulfilled", value);
    later(() => {
      const { resolve, reject } = this.#settlers();
      try {
        then.call(value, resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
  }

  #settle(state, value) {
    [this.#state, this.#value] = [state, value];
    for (const reaction of this.#reactions) later(reaction[state]);
    this.#reactions = [];
  }

  /** What the promise comes to when all jobs have run: the value, or the error thrown. */
  static settled(promise, name) {
    let outcome;
    Promise.resolve(promise).then(
      (value) => (outcome = { value }),
      (error) => (outcome = { error }),
    );
    runJobs();
    if (!outcome) throw new Error(`the promise that \`${name}\` returned is never settled`);
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  static resolve(value) {
    return value instanceof Promise ? value : new Promise((resolve) => resolve(value));
  }

  static reject(error) {
    return new Promise((_, reject) => reject(error));
  }

  static withResolvers() {
    const parts = {};
    parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
    return parts;
  }

  static try(call, ...args) {
    return new Promise((resolve) => resolve(call(...args)));
  }

  static all(items) {
    return collect(items, (promise, keep, reject) => promise.then(keep, reject));
  }

  static allSettled(items) {
    return collect(items, (promise, keep) =>
      promise.then(
        (value) => keep({ status: "fulfilled", value }),
        (reason) => keep({ status: "rejected", reason }),
      ),
    );
  }

  static any(items) {
    return collect(items, (promise, keep, reject) => promise.then(reject, keep)).then(
      (errors) => Promise.reject(new AggregateError(errors, "all promises were rejected")),
      (value) => value,
    );
  }

  static race(items) {
    return new Promise((resolve, reject) => {
      for (const item of items) Promise.resolve(item).then(resolve, reject);
    });
  }
}

// The values that `wait` keeps for each of the items, in their order, when all are there.
function collect(items, wait) {
  return new Promise((resolve, reject) => {
    const values = [];
    let missing = 1;
    const arrived = () => --missing === 0 && resolve(values);
    for (const [i, item] of [...items].entries()) {
      missing++;
      wait(Promise.resolve(item), (value) => ((values[i] = value), arrived()), reject);
    }
    arrived();
  });
}

define("Promise", Promise);
define("queueMicrotask", later);

export const settle = Promise.settled;
