// Streams in their simplest form: all they carry is in memory, so nothing ever has to wait for room.
'use strict';

const EventEmitter = require('events');
const { Buffer } = require('buffer');
const { StringDecoder } = require('string_decoder');

function Stream(options) {
  EventEmitter.call(this, options);
}
Object.setPrototypeOf(Stream, EventEmitter);
Stream.prototype = Object.create(EventEmitter.prototype, { constructor: { value: Stream, writable: true, configurable: true } });

Stream.prototype.pipe = function (target, options) {
  this.on('data', (chunk) => target.write(chunk));
  if (options?.end !== false) this.on('end', () => target.end());
  target.emit('pipe', this);
  return target;
};

Stream.prototype.destroy = function (error) {
  if (this.destroyed) return this;
  this.destroyed = true;
  queueMicrotask(() => {
    if (error) this.emit('error', error);
    this.emit('close');
  });
  return this;
};

// A class that can be called without `new` too, as those of old style do with what they inherit from.
function make(above, set, methods) {
  function Made(options) {
    if (!(this instanceof Made)) return new Made(options);
    above.call(this, options);
    set.call(this, options ?? {});
  }
  Object.setPrototypeOf(Made, above);
  Made.prototype = Object.create(above.prototype);
  mix(Made.prototype, { constructor: Made, ...methods });
  return Made;
}

function mix(prototype, methods) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}

const bytesOf = (chunk, encoding) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);

// ------------------------------------------------------------------------- reading

function setReadable({ read, encoding, objectMode, readableObjectMode, destroy }) {
  this.readable = true;
  this.readableEnded = false;
  this._chunks = [];
  this._plain = Boolean(objectMode ?? readableObjectMode);
  if (read) this._read = read;
  if (destroy) this._destroy = destroy;
  if (encoding) this.setEncoding(encoding);
}

const readable = {
  _read() {},

  // null ends it; what comes is given on once what runs now is done, to whoever listens by then.
  push(chunk, encoding) {
    this._chunks.push(chunk === null || this._plain ? chunk : bytesOf(chunk, encoding));
    this._schedule();
    return true;
  },

  setEncoding(encoding) {
    this._decoder = new StringDecoder(encoding);
    return this;
  },

  on(name, listener) {
    EventEmitter.prototype.on.call(this, name, listener);
    if (name === 'data') this.resume();
    return this;
  },

  resume() {
    this._flows = true;
    this._schedule();
    return this;
  },

  pause() {
    this._flows = false;
    return this;
  },

  isPaused() { return this._flows === false; },

  _schedule() {
    if (this._scheduled || !this._flows) return;
    this._scheduled = true;
    queueMicrotask(() => {
      this._scheduled = false;
      this._flow();
    });
  },

  _flow() {
    if (!this._chunks.length && !this.readableEnded && !this.destroyed) this._read(65536);
    while (this._flows && this._chunks.length && !this.destroyed) {
      const chunk = this._chunks.shift();
      if (chunk === null) return this._finish();
      const given = this._decoder && !this._plain ? this._decoder.write(chunk) : chunk;
      if (given.length !== 0 || this._plain) this.emit('data', given);
    }
    if (this._flows && !this._scheduled && this._read !== readable._read && !this.readableEnded) this._schedule();
  },

  _finish() {
    const rest = this._decoder?.end();
    if (rest) this.emit('data', rest);
    this.readable = false;
    this.readableEnded = true;
    this.emit('end');
    if (this.writable !== true) this.emit('close');
  },

  async* [Symbol.asyncIterator]() {
    const chunks = [];
    let [over, failed, wake] = [false, null, () => {}];
    this.on('data', (chunk) => { chunks.push(chunk); wake(); });
    this.on('end', () => { over = true; wake(); });
    this.on('error', (error) => { failed = error; wake(); });
    for (;;) {
      while (chunks.length) yield chunks.shift();
      if (failed) throw failed;
      if (over) return;
      await new Promise((resolve) => { wake = resolve; });
    }
  },
};
readable.addListener = readable.on;

const Readable = make(Stream, setReadable, readable);
Readable.prototype[Symbol.asyncIterator] = readable[Symbol.asyncIterator];
Readable.from = (source, options) => {
  const made = new Readable({ objectMode: true, ...options });
  (async () => {
    const whole = typeof source === 'string' || Buffer.isBuffer(source);
    for await (const chunk of whole ? [source] : source) made.push(chunk);
    made.push(null);
  })().catch((error) => made.destroy(error));
  return made;
};

// ------------------------------------------------------------------------- writing

function setWritable({ write, final, objectMode, writableObjectMode, decodeStrings }) {
  this.writable = true;
  this.writableEnded = this.writableFinished = false;
  this._waiting = [];
  this._asIs = Boolean(objectMode ?? writableObjectMode) || decodeStrings === false;
  if (write) this._write = write;
  if (final) this._final = final;
}

const writable = {
  _write(chunk, encoding, done) { done(); },
  _final(done) { done(); },

  write(chunk, encoding, callback) {
    if (typeof encoding === 'function') return this.write(chunk, undefined, encoding);
    if (this.writableEnded) {
      this.destroy(Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' }));
      return false;
    }
    this._waiting.push([this._asIs ? chunk : bytesOf(chunk, encoding), this._asIs ? encoding : 'buffer', callback]);
    this._next();
    return true;
  },

  end(chunk, encoding, callback) {
    if (typeof chunk === 'function') return this.end(undefined, undefined, chunk);
    if (typeof encoding === 'function') return this.end(chunk, undefined, encoding);
    if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
    if (callback) this.once('finish', callback);
    this.writableEnded = true;
    this._next();
    return this;
  },

  cork() {},
  uncork() {},
  setDefaultEncoding() { return this; },

  _next() {
    if (this._busy || this.destroyed || this.writableFinished) return;
    const [first] = this._waiting;
    if (!first && !this.writableEnded) return;
    this._busy = true;
    const done = (error) => {
      this._busy = false;
      first?.[2]?.(error ?? null);
      if (error) return this.destroy(error);
      if (!first) return this._finished();
      this._next();
    };
    if (!first) return this._final(done);
    this._waiting.shift();
    this._write(first[0], first[1], done);
  },

  _finished() {
    this.writableFinished = true;
    this.writable = false;
    queueMicrotask(() => {
      this.emit('finish');
      if (this.readable !== true) this.emit('close');
    });
  },
};

const Writable = make(Stream, setWritable, writable);

// ------------------------------------------------------------------------- both

const Duplex = make(Readable, setWritable, writable);

const Transform = make(Duplex, function ({ transform, flush }) {
  if (transform) this._transform = transform;
  if (flush) this._flush = flush;
}, {
  _transform(chunk, encoding, done) { done(null, chunk); },
  _flush(done) { done(); },

  _write(chunk, encoding, done) {
    this._transform(chunk, encoding, (error, made) => {
      if (made !== undefined && made !== null) this.push(made);
      done(error);
    });
  },

  _final(done) {
    this._flush((error, made) => {
      if (made !== undefined && made !== null) this.push(made);
      if (!error) this.push(null);
      done(error);
    });
  },
});

const PassThrough = make(Transform, () => {}, {});

// ------------------------------------------------------------------------- whole pipelines

function finished(stream, options, callback = options) {
  let told = false;
  const tell = (error) => {
    if (!told) callback(error);
    told = true;
  };
  stream.on('error', tell);
  stream.on('end', () => { if (stream.writable !== true) tell(); });
  stream.on('finish', () => { if (stream.readable !== true) tell(); });
}

function pipeline(...given) {
  const callback = typeof given[given.length - 1] === 'function' ? given.pop() : () => {};
  const streams = given.flat();
  let told = false;
  const tell = (error) => {
    if (told) return;
    told = true;
    if (error) for (const stream of streams) stream.destroy();
    callback(error);
  };
  for (const stream of streams) stream.on('error', tell);
  const last = streams[streams.length - 1];
  last.on('finish', () => tell());
  return streams.reduce((from, to) => from.pipe(to));
}

const promises = {
  pipeline: (...streams) => new Promise((resolve, reject) => { pipeline(...streams, (error) => (error ? reject(error) : resolve())); }),
  finished: (stream) => new Promise((resolve, reject) => { finished(stream, (error) => (error ? reject(error) : resolve())); }),
};

module.exports = Object.assign(Stream, { Stream, Readable, Writable, Duplex, Transform, PassThrough, pipeline, finished, promises });
