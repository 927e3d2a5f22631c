// EventEmitter.
'use strict';

function EventEmitter() {
  if (!Object.hasOwn(this, '_events')) this._events = Object.create(null);
}

// Classes of old style call nothing before they use an emitter.
const eventsOf = (emitter) => {
  if (!Object.hasOwn(emitter, '_events')) emitter._events = Object.create(null);
  return emitter._events;
};

function add(emitter, name, listener, first) {
  if (typeof listener !== 'function') throw new TypeError('a listener must be a function');
  const events = eventsOf(emitter);
  if (events.newListener) emitter.emit('newListener', name, listener.listener ?? listener);
  const list = events[name] ??= [];
  if (first) list.unshift(listener);
  else list.push(listener);
  return emitter;
}

function onlyOnce(emitter, name, listener) {
  if (typeof listener !== 'function') throw new TypeError('a listener must be a function');
  const wrapper = function (...values) {
    emitter.removeListener(name, wrapper);
    return listener.apply(emitter, values);
  };
  wrapper.listener = listener;
  return wrapper;
}

Object.assign(EventEmitter.prototype, {
  addListener(name, listener) { return add(this, name, listener, false); },
  prependListener(name, listener) { return add(this, name, listener, true); },
  once(name, listener) { return this.on(name, onlyOnce(this, name, listener)); },
  prependOnceListener(name, listener) { return add(this, name, onlyOnce(this, name, listener), true); },

  removeListener(name, listener) {
    const events = eventsOf(this);
    const list = events[name] ?? [];
    const at = list.findLastIndex((one) => one === listener || one.listener === listener);
    if (at < 0) return this;
    if (list.length === 1) delete events[name];
    else events[name] = list.toSpliced(at, 1);
    if (events.removeListener) this.emit('removeListener', name, listener);
    return this;
  },

  removeAllListeners(name) {
    if (name === undefined) this._events = Object.create(null);
    else delete eventsOf(this)[name];
    return this;
  },

  emit(name, ...values) {
    const list = eventsOf(this)[name];
    if (list) {
      for (const listener of [...list]) listener.apply(this, values);
      return true;
    }
    if (name !== 'error') return false;
    throw values[0] instanceof Error ? values[0] : new Error(`Unhandled error. (${String(values[0])})`);
  },

  listeners(name) { return (eventsOf(this)[name] ?? []).map((one) => one.listener ?? one); },
  rawListeners(name) { return [...(eventsOf(this)[name] ?? [])]; },
  listenerCount(name) { return (eventsOf(this)[name] ?? []).length; },
  eventNames() { return Reflect.ownKeys(eventsOf(this)); },
  setMaxListeners(most) { this._maxListeners = most; return this; },
  getMaxListeners() { return this._maxListeners ?? EventEmitter.defaultMaxListeners; },
});
EventEmitter.prototype.on = EventEmitter.prototype.addListener;
EventEmitter.prototype.off = EventEmitter.prototype.removeListener;

EventEmitter.defaultMaxListeners = 10;
EventEmitter.EventEmitter = EventEmitter;
EventEmitter.listenerCount = (emitter, name) => emitter.listenerCount(name);
EventEmitter.once = (emitter, name) => new Promise((resolve, reject) => {
  const failed = (error) => { emitter.removeListener(name, came); reject(error); };
  const came = (...values) => { emitter.removeListener('error', failed); resolve(values); };
  emitter.once(name, came);
  if (name !== 'error') emitter.once('error', failed);
});

module.exports = EventEmitter;
