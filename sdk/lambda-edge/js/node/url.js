// URLs: the WHATWG classes, and Node's older parse, format and resolve.
'use strict';

const querystring = require('querystring');
const { parseUrl, hostOf, portOf, pathOf, encodePart } = require('url/parser');

const invalid = (text) => Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: text });

// ------------------------------------------------------------------------- URLSearchParams

const FORM_KEPT = /[A-Za-z0-9*\-._]/;

function encodeForm(text) {
  return encodeURIComponent(String(text).toWellFormed())
    .replace(/%20|[!'()~]/g, (c) => (c === '%20' ? '+' : FORM_KEPT.test(c) ? c : `%${c.charCodeAt(0).toString(16).toUpperCase()}`));
}

function pairsOf(init) {
  if (init === undefined || init === null) return [];
  if (typeof init === 'object' || typeof init === 'function') {
    if (typeof init[Symbol.iterator] !== 'function') return Object.keys(init).map((key) => [key, String(init[key])]);
    return [...init].map((pair) => {
      const both = [...pair];
      if (both.length !== 2) throw new TypeError('each query pair must be an iterable [name, value] tuple');
      return both.map(String);
    });
  }
  return String(init).replace(/^\?/, '').split('&').filter(Boolean).map((part) => {
    const at = part.indexOf('=');
    const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
    return [name, value].map((one) => querystring.unescape(one.replace(/\+/g, ' ')));
  });
}

class URLSearchParams {
  #pairs;
  #changed = () => {};

  constructor(init) {
    this.#pairs = pairsOf(init);
  }

  // The parameters of a URL write themselves into it.
  static of(text, changed) {
    const made = new URLSearchParams(text);
    made.#changed = changed;
    return made;
  }

  reset(text) { this.#pairs = pairsOf(text); }

  get size() { return this.#pairs.length; }
  append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(); }
  get(name) { return this.#pairs.find((pair) => pair[0] === String(name))?.[1] ?? null; }
  getAll(name) { return this.#pairs.filter((pair) => pair[0] === String(name)).map((pair) => pair[1]); }
  has(name, value) {
    return this.#pairs.some((pair) => pair[0] === String(name) && (value === undefined || pair[1] === String(value)));
  }

  delete(name, value) {
    this.#pairs = this.#pairs.filter((pair) => pair[0] !== String(name) || (value !== undefined && pair[1] !== String(value)));
    this.#changed();
  }

  set(name, value) {
    const first = this.#pairs.find((pair) => pair[0] === String(name));
    if (!first) return this.append(name, value);
    first[1] = String(value);
    this.#pairs = this.#pairs.filter((pair) => pair === first || pair[0] !== String(name));
    this.#changed();
  }

  sort() {
    this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    this.#changed();
  }

  forEach(action, self) { for (const [name, value] of this.#pairs) action.call(self, value, name, this); }
  * entries() { for (const pair of this.#pairs) yield [...pair]; }
  * keys() { for (const pair of this.#pairs) yield pair[0]; }
  * values() { for (const pair of this.#pairs) yield pair[1]; }
  [Symbol.iterator]() { return this.entries(); }
  get [Symbol.toStringTag]() { return 'URLSearchParams'; }
  toString() { return this.#pairs.map((pair) => pair.map(encodeForm).join('=')).join('&'); }
}

// ------------------------------------------------------------------------- URL

class URL {
  #parts;
  #params;

  constructor(text, base) {
    let over;
    if (base !== undefined) {
      over = parseUrl(String(base));
      if (!over) throw invalid(String(base));
    }
    this.#take(parseUrl(String(text), over), String(text));
  }

  #take(parts, text) {
    if (!parts) throw invalid(text);
    this.#parts = parts;
    this.#params?.reset(parts.query ?? '');
  }

  static canParse(text, base) {
    return URL.parse(text, base) !== null;
  }

  static parse(text, base) {
    try {
      return new URL(text, base);
    } catch {
      return null;
    }
  }

  get href() {
    const { scheme, user, password, host, path, query, fragment } = this.#parts;
    const login = user || password ? `${user}${password ? `:${password}` : ''}@` : '';
    const authority = host === null ? (typeof path !== 'string' && path.length > 1 && path[0] === '' ? '/.' : '') : `//${login}${this.host}`;
    return `${scheme}:${authority}${this.pathname}${query === null ? '' : `?${query}`}${fragment === null ? '' : `#${fragment}`}`;
  }
  set href(text) { this.#take(parseUrl(String(text)), String(text)); }

  get origin() {
    return ['http', 'https', 'ws', 'wss', 'ftp'].includes(this.#parts.scheme) ? `${this.protocol}//${this.host}` : 'null';
  }

  get protocol() { return `${this.#parts.scheme}:`; }
  set protocol(text) {
    const wanted = parseUrl(`${String(text).replace(/:[^]*$/, '')}://a/`);
    const special = (scheme) => portOf(scheme, '') !== undefined;
    if (!wanted || special(wanted.scheme) !== special(this.#parts.scheme)) return;
    this.#parts.scheme = wanted.scheme;
    this.#parts.port = portOf(wanted.scheme, String(this.#parts.port ?? '')) ?? null;
  }

  get username() { return this.#parts.user; }
  set username(text) { if (this.#parts.host) this.#parts.user = encodePart(String(text), 'user'); }
  get password() { return this.#parts.password; }
  set password(text) { if (this.#parts.host) this.#parts.password = encodePart(String(text), 'user'); }

  get host() { return this.hostname + (this.port === '' ? '' : `:${this.port}`); }
  set host(text) {
    const [, name, port] = /^(\[[^\]]*\]|[^:/?#\\]*)(?::(\d*))?/.exec(String(text));
    this.hostname = name;
    if (port) this.port = port;
  }

  get hostname() { return this.#parts.host ?? ''; }
  set hostname(text) {
    const host = typeof this.#parts.path === 'string' ? null : hostOf(this.#parts.scheme, String(text).replace(/[/?#\\][^]*$/, ''));
    if (host !== null) this.#parts.host = host;
  }

  get port() { return this.#parts.port === null ? '' : String(this.#parts.port); }
  set port(text) {
    const digits = /^\d*/.exec(String(text))[0];
    if (!this.#parts.host || (digits === '' && String(text) !== '') || Number(digits) > 65535) return;
    this.#parts.port = portOf(this.#parts.scheme, digits) ?? null;
  }

  get pathname() { return typeof this.#parts.path === 'string' ? this.#parts.path : this.#parts.path.map((part) => `/${part}`).join(''); }
  set pathname(text) { if (typeof this.#parts.path !== 'string') this.#parts.path = pathOf(this.#parts.scheme, String(text)); }

  get search() { return this.#parts.query ? `?${this.#parts.query}` : ''; }
  set search(text) {
    const query = String(text).replace(/^\?/, '');
    this.#parts.query = String(text) === '' ? null : encodePart(query, portOf(this.#parts.scheme, '') === undefined ? 'query' : 'specialQuery');
    this.#params?.reset(this.#parts.query ?? '');
  }

  get searchParams() {
    this.#params ??= URLSearchParams.of(this.#parts.query ?? '', () => {
      this.#parts.query = this.#params.toString() || null;
    });
    return this.#params;
  }

  get hash() { return this.#parts.fragment ? `#${this.#parts.fragment}` : ''; }
  set hash(text) { this.#parts.fragment = String(text) === '' ? null : encodePart(String(text).replace(/^#/, ''), 'fragment'); }

  toString() { return this.href; }
  toJSON() { return this.href; }
  get [Symbol.toStringTag]() { return 'URL'; }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    const shown = {};
    for (const key of ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'searchParams', 'hash']) {
      shown[key] = this[key];
    }
    return `URL ${inspect(shown, options)}`;
  }
}

URLSearchParams.prototype[Symbol.for('nodejs.util.inspect.custom')] = function (depth, options, inspect) {
  const pairs = [...this].map(([name, value]) => `${inspect(name)} => ${inspect(value)}`);
  return pairs.length ? `URLSearchParams { ${pairs.join(', ')} }` : 'URLSearchParams {}';
};

// ------------------------------------------------------------------------- the older functions

const SLASHED = new Set(['http:', 'https:', 'ftp:', 'gopher:', 'file:', 'ws:', 'wss:']);

function Url() {
  for (const key of ['protocol', 'slashes', 'auth', 'host', 'port', 'hostname', 'hash', 'search', 'query', 'pathname', 'path', 'href']) {
    this[key] = null;
  }
}
Url.prototype.format = function () { return format(this); };
Url.prototype.resolve = function (to) { return resolve(this.href, to); };

function takeHost(url, authority) {
  const at = authority.lastIndexOf('@');
  if (at >= 0) url.auth = decodeURIComponent(authority.slice(0, at));
  const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?/.exec(authority.slice(at + 1));
  if (port) url.port = port;
  url.hostname = name.replace(/^\[|\]$/g, '').toLowerCase();
  url.host = name.toLowerCase() + (port ? `:${port}` : '');
}

function parse(text, parseQuery, slashesDenoteHost) {
  if (text instanceof Url) return text;
  if (typeof text !== 'string') throw new TypeError('the URL must be a string');
  const url = new Url();
  let rest = text.trim();
  const hash = rest.indexOf('#');
  if (hash >= 0) [url.hash, rest] = [rest.slice(hash), rest.slice(0, hash)];
  const scheme = /^[a-z][a-z\d+.-]*:/i.exec(rest);
  if (scheme) [url.protocol, rest] = [scheme[0].toLowerCase(), rest.slice(scheme[0].length)];
  const slashes = rest.startsWith('//') && (scheme || slashesDenoteHost);
  if (slashes || (scheme && !SLASHED.has(url.protocol) && url.protocol !== 'javascript:')) {
    if (slashes) url.slashes = true;
    const [, authority, path] = /^(?:\/\/)?([^/?\\]*)([^]*)$/.exec(rest);
    takeHost(url, authority);
    rest = path;
  }
  const mark = rest.indexOf('?');
  if (mark >= 0) {
    [url.search, url.query, rest] = [rest.slice(mark), rest.slice(mark + 1), rest.slice(0, mark)];
  } else if (parseQuery) {
    [url.search, url.query] = ['', ''];
  }
  if (parseQuery) url.query = querystring.parse(url.query);
  url.pathname = rest || (url.slashes && SLASHED.has(url.protocol) ? '/' : null);
  if (url.pathname) url.pathname = url.pathname.replace(/[ "<>`{}|\\^]/g, encodeURIComponent);
  if (url.pathname || url.search) url.path = `${url.pathname ?? ''}${url.search ?? ''}`;
  url.href = format(url);
  return url;
}

function format(url) {
  if (typeof url === 'string') return parse(url).href;
  if (url instanceof URL) return url.href;
  let { protocol, search } = url;
  if (protocol && !protocol.endsWith(':')) protocol += ':';
  const name = url.hostname?.includes(':') ? `[${url.hostname}]` : url.hostname;
  const host = url.host ?? (name ? name + (url.port ? `:${url.port}` : '') : null);
  const auth = url.auth ? `${encodeURIComponent(url.auth).replace(/%3A/i, ':')}@` : '';
  const slashes = url.slashes || (host !== null && host !== undefined && SLASHED.has(protocol));
  if (!search && url.query && typeof url.query === 'object') search = querystring.stringify(url.query);
  if (search && !search.startsWith('?')) search = `?${search}`;
  const hash = url.hash && !url.hash.startsWith('#') ? `#${url.hash}` : url.hash;
  let pathname = url.pathname ?? '';
  if (slashes && host && pathname && !pathname.startsWith('/')) pathname = `/${pathname}`;
  return `${protocol ?? ''}${slashes ? '//' : ''}${auth}${host ?? ''}${pathname.replace(/[?#]/g, encodeURIComponent)}${search?.replace(/#/g, '%23') ?? ''}${hash ?? ''}`;
}

function resolve(from, to) {
  const made = new URL(to, new URL(from, 'resolve://'));
  return made.protocol === 'resolve:' ? made.pathname + made.search + made.hash : made.toString();
}

module.exports = {
  URL, URLSearchParams, Url, parse, format, resolve,
  domainToASCII: (name) => hostOf('http', name) ?? '',
  domainToUnicode: (name) => name,
  fileURLToPath: (url) => decodeURIComponent(new URL(url).pathname),
  pathToFileURL: (path) => new URL(`file://${encodeURI(path)}`),
  urlToHttpOptions: (url) => ({
    protocol: url.protocol, hostname: url.hostname, port: url.port === '' ? undefined : Number(url.port),
    path: url.pathname + url.search, pathname: url.pathname, search: url.search, hash: url.hash, href: url.href,
    ...(url.username || url.password ? { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` } : {}),
  }),
};
