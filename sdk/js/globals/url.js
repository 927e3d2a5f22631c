// `URL` and `URLSearchParams` as the URL Standard has them, for the schemes that an edge meets: those with a host
// (http, https, ws, wss, ftp) in full, others as opaque text. Hosts are ASCII; others come as punycode.

import { encode } from "../api/utf8.js";
import { RESET, URLSearchParams } from "./url-search-params.js";
import { define } from "./define.js";

const PORTS = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21" };
const WHOLE = /^([a-z][a-z0-9+.-]*:)(.*)$/is;
const FORBIDDEN_IN_HOST = /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/;

class URL {
  #parts;
  #params;

  constructor(text, base) {
    this.#parts = parse(clean(text), base === undefined ? undefined : parse(clean(base)));
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
    return this.#prefix() + this.#parts.path + this.#parts.search + this.#parts.hash;
  }

  set href(text) {
    this.#parts = parse(clean(text));
    this.#params?.[RESET](this.search);
  }

  get origin() {
    return this.#parts.special ? `${this.#parts.scheme}//${this.host}` : "null";
  }

  get protocol() {
    return this.#parts.scheme;
  }

  set protocol(to) {
    const scheme = `${String(to).replace(/:.*$/s, "").toLowerCase()}:`;
    if (!(scheme in PORTS) || !this.#parts.special) return;
    const port = this.port === PORTS[scheme] ? "" : this.port;
    this.#parts = { ...this.#parts, scheme, port };
  }

  get username() {
    return this.#parts.username;
  }

  set username(to) {
    this.#parts.username = escapeUser(String(to));
  }

  get password() {
    return this.#parts.password;
  }

  set password(to) {
    this.#parts.password = escapeUser(String(to));
  }

  get host() {
    return this.#parts.hostname + (this.port && `:${this.port}`);
  }

  set host(to) {
    this.#change(() => Object.assign(this.#parts, parseHost(/^[^/?#]*/.exec(String(to))[0], this.#parts.scheme)));
  }

  get hostname() {
    return this.#parts.hostname;
  }

  set hostname(to) {
    this.#change(() => {
      this.#parts.hostname = parseHost(String(to), this.#parts.scheme).hostname;
    });
  }

  get port() {
    return this.#parts.port;
  }

  set port(to) {
    this.#change(() => {
      this.#parts.port = parsePort(/^\d*/.exec(String(to))[0], this.#parts.scheme);
    });
  }

  get pathname() {
    return this.#parts.path;
  }

  set pathname(to) {
    if (!this.#parts.opaque) this.#parts.path = parsePath(`/${String(to).replace(/^[/\\]/, "")}`.replace(/[?#]/g, encodeURIComponent));
  }

  get search() {
    return this.#parts.search === "?" ? "" : this.#parts.search;
  }

  set search(to) {
    this.#setSearch(String(to).replace(/^\?/, ""));
    this.#params?.[RESET](this.search);
  }

  get searchParams() {
    return (this.#params ??= new URLSearchParams(this.search, (text) => this.#setSearch(text)));
  }

  get hash() {
    return this.#parts.hash === "#" ? "" : this.#parts.hash;
  }

  set hash(to) {
    const text = String(to).replace(/^#/, "");
    this.#parts.hash = text && `#${escapeHash(text)}`;
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }

  #prefix() {
    const { scheme, username, password, special, opaque } = this.#parts;
    if (!special) return scheme + (opaque ? "" : `//${this.host}`);
    return `${scheme}//${username}${password && `:${password}`}${(username || password) && "@"}${this.host}`;
  }

  #setSearch(text) {
    this.#parts.search = text && `?${escapeQuery(text).replaceAll("#", "%23")}`;
  }

  // Setters leave the URL as it is when what they are given is wrong.
  #change(change) {
    if (!this.#parts.special) return;
    try {
      change();
    } catch {
      // as the standard says
    }
  }
}

const clean = (text) => String(text).replace(/^[\0-\x20]+|[\0-\x20]+$/g, "").replace(/[\t\n\r]/g, "");

function parse(text, base) {
  const [, before, search = "", hash = ""] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(text);
  const tail = { search: search && `?${escapeQuery(search.slice(1))}`, hash: hash && `#${escapeHash(hash.slice(1))}` };
  const [, scheme, rest] = WHOLE.exec(before) ?? [];
  if (!scheme) return relative(before, tail, base, text);
  const lower = scheme.toLowerCase();
  if (lower in PORTS) {
    if (base?.scheme === lower && !/^[/\\]/.test(rest)) return relative(rest, tail, base, text);
    return withHost(lower, rest.replace(/^[/\\]*/, ""), tail);
  }
  return { scheme: lower, username: "", password: "", hostname: "", port: "", path: rest, opaque: true, special: false, ...tail };
}

function relative(path, tail, base, text) {
  if (!base) throw new TypeError(`\`${text}\` is not a URL: it has no scheme, as https:, and no base was given`);
  if (base.opaque) throw new TypeError(`\`${text}\` can't be relative to a URL without a path`);
  if (/^[/\\]{2}/.test(path)) return withHost(base.scheme, path.slice(2), tail);
  if (path === "") return { ...base, search: tail.search || base.search, hash: tail.hash };
  const whole = /^[/\\]/.test(path) ? path : base.path.replace(/[^/]*$/, "") + path;
  return { ...base, path: parsePath(whole), ...tail };
}

function withHost(scheme, rest, tail) {
  const [, authority, path] = /^([^/\\]*)(.*)$/s.exec(rest);
  const at = authority.lastIndexOf("@");
  const [username, ...password] = authority.slice(0, Math.max(at, 0)).split(":");
  const place = parseHost(authority.slice(at + 1), scheme);
  return {
    scheme,
    username: escapeUser(username),
    password: escapeUser(password.join(":")),
    ...place,
    path: parsePath(path || "/"),
    opaque: false,
    special: true,
    ...tail,
  };
}

function parseHost(text, scheme) {
  const [, v6, name, port = ""] = /^(?:(\[[0-9a-f:.]+\])|([^:]*))(?::(\d*))?$/i.exec(text) ?? [];
  const hostname = v6 ? v6.toLowerCase() : parseName(name ?? "");
  if (!hostname) throw new TypeError(`\`${text}\` is not a host`);
  return { hostname, port: parsePort(port, scheme) };
}

function parseName(text) {
  const name = decodeURIComponent(text).toLowerCase();
  if (/[^\0-\x7f]/.test(name)) throw new TypeError(`the host \`${text}\` has to be written in punycode`);
  if (FORBIDDEN_IN_HOST.test(name)) throw new TypeError(`\`${text}\` is not a host`);
  return /(^|\.)(\d+|0x[0-9a-f]*)\.?$/.test(name) ? parseV4(name) : name;
}

// Addresses may be written as one to four numbers, each decimal, octal or hexadecimal.
function parseV4(name) {
  const numbers = name.replace(/\.$/, "").split(".").map(parseNumber);
  const last = numbers.pop();
  const room = 256 ** (4 - numbers.length);
  if (numbers.length > 3 || !(last < room) || numbers.some((number) => !(number < 256))) {
    throw new TypeError(`\`${name}\` is not an IPv4 address`);
  }
  const value = numbers.reduce((sum, number, i) => sum + number * 256 ** (3 - i), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

function parseNumber(text) {
  if (/^0x[0-9a-f]*$/.test(text)) return Number.parseInt(text.slice(2) || "0", 16);
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return /^\d+$/.test(text) && !/^0./.test(text) ? Number(text) : Number.NaN;
}

function parsePort(text, scheme) {
  if (text === "") return "";
  if (Number(text) > 65535) throw new TypeError(`the port ${text} is above 65535`);
  const port = String(Number(text));
  return port === PORTS[scheme] ? "" : port;
}

function parsePath(text) {
  const parts = [];
  const pieces = text.replaceAll("\\", "/").replace(/^\//, "").split("/");
  for (const [i, piece] of pieces.entries()) {
    const plain = piece.replace(/%2e/gi, ".");
    const last = i === pieces.length - 1;
    if (plain === "..") parts.pop();
    else if (plain !== ".") parts.push(escapePath(piece));
    if (last && (plain === "." || plain === "..")) parts.push("");
  }
  return `/${parts.join("/")}`;
}

const escaper = (pattern) => (text) =>
  pattern.test(text) ? text.replace(new RegExp(pattern, "gu"), (piece) => Array.from(encode(piece), hex).join("")) : text;
const hex = (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;

const escapeHash = escaper(/[\0-\x20"<>`]|[^\0-\x7e]/u);
const escapeQuery = escaper(/[\0-\x20"#'<>]|[^\0-\x7e]/u);
const escapePath = escaper(/[\0-\x20"#<>?^`{}]|[^\0-\x7e]/u);
const escapeUser = escaper(/[\0-\x20"#<>?`{}/:;=@[\\\]^|]|[^\0-\x7e]/u);

define("URL", URL);
define("URLSearchParams", URLSearchParams);
