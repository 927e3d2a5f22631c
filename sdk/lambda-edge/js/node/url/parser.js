// The parts of a URL, by the WHATWG's rules.
'use strict';

const { toASCII } = require('url/punycode');

const PORTS = { http: 80, https: 443, ws: 80, wss: 443, ftp: 21, file: null };
const isSpecial = (scheme) => Object.hasOwn(PORTS, scheme);

// ------------------------------------------------------------------------- percent-encoding

const ENCODED = {
  fragment: /[^\x21\x23-\x3b\x3d\x3f-\x5f\x61-\x7e]/gu,
  query: /[^\x21\x24-\x3b\x3d\x3f-\x7e]/gu,
  specialQuery: /[^\x21\x24-\x26\x28-\x3b\x3d\x3f-\x7e]/gu,
  path: /[^\x21\x24-\x3b\x3d\x40-\x5d\x5f\x61-\x7a\x7c\x7e]/gu,
  user: /[^\x21\x24-\x2e\x30-\x39\x41-\x5a\x5f\x61-\x7a\x7e]/gu,
  opaque: /[^\x20-\x7e]/gu,
};

function percent(text) {
  let encoded = '';
  for (const byte of new Uint8Array(host.encode(text))) encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return encoded;
}

function encodePart(text, kind) {
  return text.replace(ENCODED[kind], percent);
}

// ------------------------------------------------------------------------- hosts

function ipv4Number(text) {
  if (text === '') return NaN;
  if (/^0x[\da-f]*$/i.test(text)) return text.length === 2 ? 0 : parseInt(text.slice(2), 16);
  if (/^0[0-7]*$/.test(text)) return parseInt(text, 8);
  return /^\d+$/.test(text) && !/^0/.test(text) ? Number(text) : NaN;
}

// null for what ends like an address and is none, undefined for a name
function parseIpv4(name) {
  const parts = name.split('.');
  if (parts.length > 1 && parts[parts.length - 1] === '') parts.pop();
  const last = parts[parts.length - 1];
  if (!/^\d+$/.test(last) && !/^0x[\da-f]*$/i.test(last)) return undefined;
  const numbers = parts.map(ipv4Number);
  const left = numbers.pop();
  if (parts.length > 4 || numbers.some((one) => !(one <= 255)) || !(left < 256 ** (5 - parts.length))) return null;
  const address = numbers.reduce((sum, one, i) => sum + one * 256 ** (3 - i), left);
  return [3, 2, 1, 0].map((i) => Math.floor(address / 256 ** i) % 256).join('.');
}

function ipv6Pieces(text) {
  if (text === '') return [];
  const pieces = [];
  for (const [i, part] of text.split(':').entries()) {
    if (part.includes('.')) {
      const bytes = part.split('.').map((one) => (/^(0|[1-9]\d{0,2})$/.test(one) ? Number(one) : 256));
      if (i !== text.split(':').length - 1 || bytes.length !== 4 || bytes.some((one) => one > 255)) return null;
      pieces.push(bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3]);
    } else {
      if (!/^[\da-f]{1,4}$/i.test(part)) return null;
      pieces.push(parseInt(part, 16));
    }
  }
  return pieces;
}

function parseIpv6(text) {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [before, after] = halves.map(ipv6Pieces);
  if (!before || after === null) return null;
  const missing = 8 - before.length - (after?.length ?? 0);
  if (after === undefined ? missing !== 0 : missing < 1) return null;
  return writeIpv6(after === undefined ? before : [...before, ...new Array(missing).fill(0), ...after]);
}

function writeIpv6(pieces) {
  let [best, length] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && pieces[i + run] === 0) run++;
    if (run > length) [best, length] = [i, run];
  }
  const hex = (part) => part.map((one) => one.toString(16)).join(':');
  if (best < 0) return `[${hex(pieces)}]`;
  return `[${hex(pieces.slice(0, best))}::${hex(pieces.slice(best + length))}]`;
}

// The host in the form that is compared and sent; null when it is none.
function hostOf(scheme, text) {
  if (text.startsWith('[')) return text.endsWith(']') ? parseIpv6(text.slice(1, -1)) : null;
  if (!isSpecial(scheme)) return /[\0\t\n\r #/:<>?@[\\\]^|]/.test(text) ? null : encodePart(text, 'opaque');
  if (text === '') return scheme === 'file' ? '' : null;
  let decoded = text;
  if (text.includes('%')) {
    const bytes = [...text.matchAll(/%[\da-f]{2}|[^]/gi)].flatMap(([one]) => (one.length === 3
      ? [parseInt(one.slice(1), 16)] : [...new Uint8Array(host.encode(one))]));
    decoded = host.decode(new Uint8Array(bytes), false);
  }
  const name = toASCII(decoded);
  if (!name || /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/.test(name)) return null;
  const address = parseIpv4(name);
  return address === undefined ? (scheme === 'file' && name === 'localhost' ? '' : name) : address;
}

// A port as number, null for the scheme's own or none, undefined for a scheme that is not special and has none.
function portOf(scheme, digits) {
  if (digits === '') return isSpecial(scheme) ? null : undefined;
  return Number(digits) === PORTS[scheme] ? null : Number(digits);
}

// ------------------------------------------------------------------------- paths

const isDot = (part) => /^(\.|%2e)$/i.test(part);
const isDoubleDot = (part) => /^(\.|%2e){2}$/i.test(part);
const isDrive = (part) => /^[a-z][:|]$/i.test(part);

function walk(scheme, start, text) {
  const parts = [...start];
  const pieces = text.split(isSpecial(scheme) ? /[/\\]/ : '/');
  pieces.forEach((piece, i) => {
    const last = i === pieces.length - 1;
    if (isDoubleDot(piece)) {
      if (!(scheme === 'file' && parts.length === 1 && isDrive(parts[0]))) parts.pop();
      if (last) parts.push('');
    } else if (isDot(piece)) {
      if (last) parts.push('');
    } else {
      parts.push(encodePart(scheme === 'file' && parts.length === 0 && isDrive(piece) ? `${piece[0]}:` : piece, 'path'));
    }
  });
  return parts;
}

function pathOf(scheme, text) {
  if (text === '' && !isSpecial(scheme)) return [];
  return walk(scheme, [], text.replace(isSpecial(scheme) ? /^[/\\]/ : /^\//, ''));
}

// ------------------------------------------------------------------------- the whole

function takeAuthority(url, text) {
  const at = text.lastIndexOf('@');
  if (at >= 0) {
    const login = text.slice(0, at);
    const colon = login.indexOf(':');
    url.user = encodePart(colon < 0 ? login : login.slice(0, colon), 'user');
    url.password = colon < 0 ? '' : encodePart(login.slice(colon + 1), 'user');
  }
  const found = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(text.slice(at + 1));
  if (!found) return false;
  url.host = hostOf(url.scheme, found[1]);
  if (url.host === null || (found[1] === '' && (at >= 0 || found[2] !== undefined))) return false;
  if (Number(found[2] ?? 0) > 65535) return false;
  url.port = portOf(url.scheme, found[2] ?? '') ?? null;
  return true;
}

const slashesOf = (scheme) => (isSpecial(scheme) ? /^[/\\]{2}/ : /^\/\//);

function parseAbsolute(url, rest) {
  const special = isSpecial(url.scheme);
  let after = rest;
  if (special && url.scheme !== 'file') after = `//${rest.replace(/^[/\\]*/, '')}`;
  if (slashesOf(url.scheme).test(after)) {
    const [, authority, path] = (special ? /^([^/\\]*)([^]*)$/ : /^([^/]*)([^]*)$/).exec(after.slice(2));
    if (url.scheme === 'file' && isDrive(authority)) return { ...url, host: '', path: pathOf('file', `${authority}${path}`) };
    if (url.scheme === 'file' && authority === '') url.host = '';
    else if (!takeAuthority(url, authority)) return authority === '' && !special ? { ...url, host: '', path: pathOf(url.scheme, path) } : null;
    return { ...url, path: pathOf(url.scheme, path) };
  }
  if (url.scheme === 'file') return { ...url, host: '', path: pathOf('file', after) };
  if (after.startsWith('/')) return { ...url, path: pathOf(url.scheme, after) };
  return { ...url, path: encodePart(after, 'opaque') };
}

function parseRelative(url, rest, base) {
  if (typeof base.path === 'string') return rest === '' && url.query === null && url.fragment !== null ? { ...base, fragment: url.fragment } : null;
  const over = { ...base, query: url.query, fragment: url.fragment };
  const separator = isSpecial(base.scheme) ? /^[/\\]/ : /^\//;
  if (slashesOf(base.scheme).test(rest)) {
    return parseAbsolute({ ...blank(base.scheme), query: url.query, fragment: url.fragment }, rest);
  }
  if (separator.test(rest)) return { ...over, path: pathOf(base.scheme, rest) };
  if (rest === '') return { ...over, query: url.query ?? base.query };
  return { ...over, path: walk(base.scheme, base.path.slice(0, -1), rest) };
}

const blank = (scheme) => ({ scheme, user: '', password: '', host: null, port: null, path: [], query: null, fragment: null });

// null when the text is no URL
function parseUrl(text, base) {
  let rest = text.toWellFormed().replace(/^[\0-\x20]+|[\0-\x20]+$/g, '').replace(/[\t\n\r]/g, '');
  const found = /^([a-z][a-z\d+.-]*):/i.exec(rest);
  const url = blank(found ? found[1].toLowerCase() : base?.scheme);
  if (!found && !base) return null;
  if (found) rest = rest.slice(found[0].length);
  const hash = rest.indexOf('#');
  if (hash >= 0) {
    url.fragment = encodePart(rest.slice(hash + 1), 'fragment');
    rest = rest.slice(0, hash);
  }
  const mark = rest.indexOf('?');
  if (mark >= 0) {
    url.query = encodePart(rest.slice(mark + 1), isSpecial(url.scheme) ? 'specialQuery' : 'query');
    rest = rest.slice(0, mark);
  }
  const relative = !found || (base && found && url.scheme === base.scheme && isSpecial(url.scheme) && !slashesOf(url.scheme).test(rest));
  return relative ? parseRelative(url, rest, base) : parseAbsolute(url, rest);
}

module.exports = { parseUrl, hostOf, portOf, pathOf, encodePart };
