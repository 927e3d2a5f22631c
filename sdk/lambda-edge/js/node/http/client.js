// What `http` and `https` have for those who send requests.
'use strict';

const EventEmitter = require('events');
const { Buffer } = require('buffer');
const { Readable } = require('stream');
const { URL, urlToHttpOptions } = require('url');
const { STATUS_CODES, METHODS } = require('http/codes');
const send = require('subrequest');

// ------------------------------------------------------------------------- the response

const ONCE = new Set(['age', 'content-length', 'content-type', 'date', 'etag', 'expires', 'host', 'last-modified', 'location', 'retry-after', 'server', 'user-agent']);

function joined(pairs) {
  const headers = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    if (key === 'set-cookie') (headers[key] ??= []).push(value);
    else if (headers[key] === undefined) headers[key] = value;
    else if (!ONCE.has(key)) headers[key] += `, ${value}`;
  }
  return headers;
}

class IncomingMessage extends Readable {
  constructor(response) {
    super();
    this.statusCode = response.status;
    this.statusMessage = STATUS_CODES[response.status] ?? '';
    this.httpVersion = '1.1';
    this.headers = joined(response.headers);
    this.rawHeaders = response.headers.flat();
    this.trailers = {};
    this.complete = true;
    this.push(Buffer.from(response.body.buffer));
    this.push(null);
  }
}

// ------------------------------------------------------------------------- the request

class ClientRequest extends EventEmitter {
  #headers = new Map(); // lower-case name: [name, values]
  #chunks = [];
  #takeBack = () => {};
  #over = false;

  constructor(options, callback) {
    super();
    const protocol = options.protocol ?? 'http:';
    const name = String(options.hostname ?? options.host ?? 'localhost').replace(/:\d+$/, '');
    const host = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
    const port = options.port ? `:${options.port}` : '';
    this.method = String(options.method ?? 'GET').toUpperCase();
    this.path = options.path ?? '/';
    this.protocol = protocol;
    this.host = name;
    this.url = new URL(`${protocol}//${host}${port}${this.path.startsWith('/') ? '' : '/'}${this.path}`);
    this.timeout = options.timeout;
    this.edge = { origin: options.origin, cached: options.cached };
    const headers = Array.isArray(options.headers) ? pairsIn(options.headers) : Object.entries(options.headers ?? {});
    for (const [key, value] of headers) if (value !== undefined) this.setHeader(key, value);
    if (options.auth) this.setHeader('Authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`);
    if (callback) this.once('response', callback);
    options.signal?.addEventListener('abort', () => this.destroy(options.signal.reason));
  }

  setHeader(name, value) {
    this.#headers.set(String(name).toLowerCase(), [String(name), Array.isArray(value) ? value.map(String) : [String(value)]]);
    return this;
  }
  getHeader(name) {
    const values = this.#headers.get(String(name).toLowerCase())?.[1];
    return values?.length > 1 ? values : values?.[0];
  }
  hasHeader(name) { return this.#headers.has(String(name).toLowerCase()); }
  getHeaders() { return Object.fromEntries([...this.#headers.keys()].map((name) => [name, this.getHeader(name)])); }
  getHeaderNames() { return [...this.#headers.keys()]; }
  removeHeader(name) { this.#headers.delete(String(name).toLowerCase()); }
  flushHeaders() {}
  setNoDelay() {}
  setSocketKeepAlive() {}

  setTimeout(milliseconds, callback) {
    this.timeout = milliseconds;
    if (callback) this.once('timeout', callback);
    return this;
  }

  write(chunk, encoding, callback) {
    this.#chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8') : Buffer.from(chunk));
    const after = typeof encoding === 'function' ? encoding : callback;
    if (after) queueMicrotask(after);
    return true;
  }

  end(chunk, encoding, callback) {
    if (this.#over) return this;
    if (typeof chunk === 'function') return this.end(undefined, undefined, chunk);
    if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
    this.#over = true;
    const after = typeof encoding === 'function' ? encoding : callback;
    if (after) this.once('finish', after);
    const headers = [...this.#headers.values()].flatMap(([name, values]) => values.map((value) => [name, value]));
    this.#takeBack = send(
      { method: this.method, url: this.url, headers, body: Buffer.concat(this.#chunks), timeout: this.timeout, ...this.edge },
      (error, response) => this.#settle(error, response),
    );
    queueMicrotask(() => { this.emit('finish'); });
    return this;
  }

  #settle(error, response) {
    if (this.destroyed) return;
    if (error) {
      if (error.code === 'ETIMEDOUT' && this.emit('timeout')) return;
      this.emit('error', error);
      return;
    }
    const message = new IncomingMessage(response);
    this.res = message;
    if (!this.emit('response', message)) message.resume();
    this.emit('close');
  }

  destroy(error) {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.#over = true;
    this.#takeBack();
    const why = error ?? Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    queueMicrotask(() => { this.emit('error', why); this.emit('close'); });
    return this;
  }

  abort() { this.destroy(); }
}

const pairsIn = (flat) => (Array.isArray(flat[0]) ? flat : Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]));

// Connections are the edge's: an agent is accepted and does nothing.
class Agent {
  constructor(options = {}) { this.options = options; }
  destroy() {}
}

function refuse() {
  throw new Error('a handler at the edge cannot listen');
}

module.exports = (protocol) => {
  const request = (first, second, third) => {
    const [options, callback] = typeof second === 'function' || second === undefined ? [{}, second] : [second, third];
    const from = typeof first === 'string' ? urlToHttpOptions(new URL(first)) : first instanceof URL ? urlToHttpOptions(first) : first;
    return new ClientRequest({ protocol, ...from, ...options }, callback);
  };
  return {
    request,
    get: (...values) => request(...values).end(),
    Agent, ClientRequest, IncomingMessage, STATUS_CODES, METHODS, globalAgent: new Agent(), createServer: refuse,
  };
};
