// Event, EventTarget, AbortController and AbortSignal.
'use strict';

const loop = require('loop');

const abortError = (name, text) => new DOMException(text, name);

class Event {
  constructor(type, options = {}) {
    this.type = String(type);
    this.cancelable = Boolean(options.cancelable);
    this.defaultPrevented = false;
    this.target = this.currentTarget = null;
  }

  preventDefault() { if (this.cancelable) this.defaultPrevented = true; }
  stopPropagation() {}
  stopImmediatePropagation() { this.stopped = true; }
}

class EventTarget {
  #listeners = new Map();

  addEventListener(type, listener, options) {
    if (!listener) return;
    const list = this.#listeners.get(type) ?? [];
    if (list.some((one) => one.listener === listener)) return;
    this.#listeners.set(type, [...list, { listener, once: typeof options === 'object' && options?.once }]);
  }

  removeEventListener(type, listener) {
    this.#listeners.set(type, (this.#listeners.get(type) ?? []).filter((one) => one.listener !== listener));
  }

  dispatchEvent(event) {
    event.target = event.currentTarget = this;
    this[`on${event.type}`]?.call(this, event);
    for (const { listener, once } of this.#listeners.get(event.type) ?? []) {
      if (event.stopped) break;
      if (once) this.removeEventListener(event.type, listener);
      if (typeof listener === 'function') listener.call(this, event);
      else listener.handleEvent(event);
    }
    return !event.defaultPrevented;
  }
}

class AbortSignal extends EventTarget {
  aborted = false;
  reason = undefined;
  onabort = null;

  // A request under this signal gets that long; what else waits for it hears of it by a timer.
  static timeout(milliseconds) {
    const signal = new AbortSignal();
    signal.patience = milliseconds;
    loop.setTimeout(() => signal.abort(abortError('TimeoutError', 'the operation was aborted due to timeout')), milliseconds);
    return signal;
  }

  static abort(reason) {
    const signal = new AbortSignal();
    signal.abort(reason);
    return signal;
  }

  static any(signals) {
    const made = new AbortSignal();
    for (const signal of signals) {
      if (signal.aborted) return AbortSignal.abort(signal.reason);
      signal.addEventListener('abort', () => made.abort(signal.reason));
      if (signal.patience) made.patience = Math.min(made.patience ?? Infinity, signal.patience);
    }
    return made;
  }

  abort(reason = abortError('AbortError', 'This operation was aborted')) {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event('abort'));
  }

  throwIfAborted() { if (this.aborted) throw this.reason; }
}

class AbortController {
  signal = new AbortSignal();

  abort(reason) { this.signal.abort(reason); }
}

module.exports = { AbortController, AbortSignal, Event, EventTarget, abortError };
