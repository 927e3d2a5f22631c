// fetch and what belongs to it. Bodies are whole: the edge has read a response before the promise settles.
'use strict';

const { URL, URLSearchParams } = require('url');
const { bytesOf } = require('encoding');

const send = require('subrequest');
const { STATUS_CODES } = require('http/codes');

const { AbortController, AbortSignal, Event, EventTarget, abortError } = require('fetch/abort');

// ------------------------------------------------------------------------- Headers

const NAME = /^[!#$%&'*+\-.^_`|~\da-z]+$/i;

class Headers {
  #list = []; // [lower-case name, value]

  constructor(init) {
    if (init === undefined || init === null) return;
    const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }

  static #check(name, value) {
    if (!NAME.test(name)) throw new TypeError(`\`${name}\` is no name of a header`);
    const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
    if (/[\0\r\n]/.test(text)) throw new TypeError(`the value of the header \`${name}\` has a line break`);
    return [String(name).toLowerCase(), text];
  }

  append(name, value) { this.#list.push(Headers.#check(name, value)); }
  set(name, value) {
    const pair = Headers.#check(name, value);
    this.delete(name);
    this.#list.push(pair);
  }
  delete(name) { this.#list = this.#list.filter((pair) => pair[0] !== String(name).toLowerCase()); }
  has(name) { return this.#list.some((pair) => pair[0] === String(name).toLowerCase()); }
  get(name) {
    const values = this.#list.filter((pair) => pair[0] === String(name).toLowerCase()).map((pair) => pair[1]);
    return values.length ? values.join(', ') : null;
  }
  getSetCookie() { return this.#list.filter((pair) => pair[0] === 'set-cookie').map((pair) => pair[1]); }

  * entries() {
    for (const name of [...new Set(this.#list.map((pair) => pair[0]))].sort()) {
      if (name === 'set-cookie') for (const cookie of this.getSetCookie()) yield [name, cookie];
      else yield [name, this.get(name)];
    }
  }
  * keys() { for (const [name] of this.entries()) yield name; }
  * values() { for (const [, value] of this.entries()) yield value; }
  forEach(action, self) { for (const [name, value] of this.entries()) action.call(self, value, name, this); }
  [Symbol.iterator]() { return this.entries(); }
  get [Symbol.toStringTag]() { return 'Headers'; }
  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `Headers ${inspect(Object.fromEntries(this), options)}`;
  }
}

// ------------------------------------------------------------------------- bodies

// Bytes, and the type that a body of that kind has by itself.
function readBody(body) {
  if (body === undefined || body === null) return [null, null];
  if (body instanceof URLSearchParams) return [new Uint8Array(host.encode(String(body))), 'application/x-www-form-urlencoded;charset=UTF-8'];
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return [bytesOf(body).slice(), null];
  return [new Uint8Array(host.encode(String(body))), 'text/plain;charset=UTF-8'];
}

class Body {
  #bytes;
  #used = false;

  constructor(bytes) { this.#bytes = bytes; }

  get bodyUsed() { return this.#used; }
  peek() { return this.#bytes; }

  #take() {
    if (this.#used) return Promise.reject(new TypeError('the body has been read already'));
    this.#used = this.#bytes !== null;
    return Promise.resolve(this.#bytes ?? new Uint8Array(0));
  }

  arrayBuffer() { return this.#take().then((bytes) => bytes.slice().buffer); }
  bytes() { return this.#take().then((bytes) => bytes.slice()); }
  text() { return this.#take().then((bytes) => host.decode(bytes, false).replace(/^\ufeff/, '')); }
  json() { return this.text().then(JSON.parse); }
}

class Request extends Body {
  constructor(input, init = {}) {
    const from = input instanceof Request ? input : null;
    const [bytes, type] = init.body === undefined && from ? [from.peek(), null] : readBody(init.body);
    super(bytes);
    this.url = from ? from.url : new URL(String(input)).href;
    this.method = String(init.method ?? from?.method ?? 'GET');
    if (/^(delete|get|head|options|post|put)$/i.test(this.method)) this.method = this.method.toUpperCase();
    if (bytes !== null && /^(GET|HEAD)$/.test(this.method)) throw new TypeError(`a ${this.method} request has no body`);
    this.headers = new Headers(init.headers ?? from?.headers);
    if (type && !this.headers.has('content-type')) this.headers.set('content-type', type);
    this.redirect = init.redirect ?? from?.redirect ?? 'follow';
    this.signal = init.signal ?? from?.signal ?? new AbortController().signal;
    this.origin = init.origin ?? from?.origin; // an origin of the edge's configuration, by its name
    this.cached = init.cached ?? from?.cached ?? false; // through the edge's cache
  }

  clone() { return new Request(this); }
}

class Response extends Body {
  constructor(body = null, init = {}) {
    const [bytes, type] = readBody(body);
    super(bytes);
    this.status = init.status ?? 200;
    if (!(this.status >= 200 && this.status <= 599)) throw new RangeError('the status must be 200 to 599');
    this.statusText = init.statusText ?? '';
    this.headers = new Headers(init.headers);
    if (type && !this.headers.has('content-type')) this.headers.set('content-type', type);
    this.url = '';
    this.redirected = false;
    this.type = 'default';
  }

  get ok() { return this.status >= 200 && this.status <= 299; }

  clone() {
    if (this.bodyUsed) throw new TypeError('the body has been read already');
    const copy = new Response(this.peek(), this);
    return Object.assign(copy, { url: this.url, redirected: this.redirected, type: this.type });
  }

  static json(value, init = {}) {
    const made = new Response(JSON.stringify(value), init);
    if (!new Headers(init.headers).has('content-type')) made.headers.set('content-type', 'application/json');
    return made;
  }

  static redirect(url, status = 302) {
    return new Response(null, { status, headers: { location: new URL(url).href } });
  }

  static error() { return Object.assign(new Response(), { type: 'error', status: 0 }); }
}

// ------------------------------------------------------------------------- fetch

const MOST_REDIRECTS = 20;

function sendOnce(request, url, method, bytes) {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    if (signal.aborted) return reject(signal.reason);
    let takeBack = () => {};
    const aborted = () => { takeBack(); reject(signal.reason); };
    signal.addEventListener('abort', aborted);
    takeBack = send(
      { method, url, headers: [...request.headers], body: bytes, timeout: signal.patience, origin: request.origin, cached: request.cached },
      (error, response) => {
        signal.removeEventListener('abort', aborted);
        if (!error) return resolve(response);
        if (error.code === 'ETIMEDOUT' && signal.patience) return reject(abortError('TimeoutError', 'the request took too long'));
        reject(Object.assign(new TypeError('fetch failed'), { cause: error }));
      },
    );
  });
}

async function fetch(input, init) {
  const request = new Request(input, init);
  let url = new URL(request.url);
  let { method } = request;
  let bytes = request.peek();
  for (let redirects = 0; ; redirects++) {
    const received = await sendOnce(request, url, method, bytes);
    const location = [301, 302, 303, 307, 308].includes(received.status) && received.headers.find(([name]) => name.toLowerCase() === 'location');
    if (!location || request.redirect === 'manual') return respond(received, url, redirects > 0);
    if (request.redirect === 'error' || redirects === MOST_REDIRECTS) {
      throw Object.assign(new TypeError('fetch failed'), { cause: new Error('unexpected redirect') });
    }
    const next = new URL(location[1], url);
    if (next.origin !== url.origin) request.headers.delete('authorization');
    if (received.status === 303 || (received.status < 303 && method === 'POST')) [method, bytes] = ['GET', null];
    url = next;
  }
}

function respond(received, url, redirected) {
  const bare = [204, 205, 304].includes(received.status);
  const response = new Response(bare ? null : received.body, {
    status: received.status, statusText: STATUS_CODES[received.status] ?? '', headers: received.headers,
  });
  return Object.assign(response, { url: url.href, redirected, type: 'basic' });
}

module.exports = { fetch, Headers, Request, Response, AbortController, AbortSignal, Event, EventTarget };
