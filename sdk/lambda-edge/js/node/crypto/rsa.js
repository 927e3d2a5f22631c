// RSA signatures of PKCS #1 v1.5 are verified, as tokens of OpenID providers have them.
'use strict';

const { Buffer } = require('buffer');

// What stands before a digest in a signature: its algorithm, in DER.
const PREFIXES = {
  sha1: '3021300906052b0e03021a05000414',
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};
const RSA = '2a864886f70d010101'; // rsaEncryption

const toNumber = (bytes) => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
const bad = (text) => Object.assign(new Error(text), { code: 'ERR_CRYPTO_INVALID_KEY' });

// The elements of a DER sequence: [tag, contents]
function elements(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++];
    let length = bytes[at++];
    if (length & 128) {
      const width = length & 127;
      length = 0;
      for (let i = 0; i < width; i++) length = length * 256 + bytes[at++];
    }
    if (!(at + length <= bytes.length)) throw bad('the key ends early');
    found.push([tag, bytes.subarray(at, at + length)]);
    at += length;
  }
  return found;
}

const inside = (element, tag) => {
  if (element?.[0] !== tag) throw bad('the key is not in a form that is known');
  return element[1];
};

function fromPkcs1(bytes) {
  const [modulus, exponent] = elements(inside(elements(bytes)[0], 0x30));
  return { n: toNumber(inside(modulus, 2)), e: toNumber(inside(exponent, 2)) };
}

function fromSpki(bytes) {
  const [algorithm, key] = elements(inside(elements(bytes)[0], 0x30));
  const kind = inside(elements(inside(algorithm, 0x30))[0], 6);
  if (Buffer.from(kind).toString('hex') !== RSA) throw bad('the key is none of RSA, and others are not there');
  return fromPkcs1(inside(key, 3).subarray(1));
}

function fromCertificate(bytes) {
  const fields = elements(inside(elements(inside(elements(bytes)[0], 0x30))[0], 0x30));
  const start = fields[0][0] === 0xa0 ? 6 : 5;
  const [tag, contents] = fields[start] ?? [];
  const whole = Buffer.concat([Buffer.from([0x30, 0x82, contents.length >> 8, contents.length & 255]), contents]);
  return fromSpki(inside([tag, whole], 0x30));
}

const KINDS = { 'PUBLIC KEY': fromSpki, 'RSA PUBLIC KEY': fromPkcs1, CERTIFICATE: fromCertificate };

function fromPem(text) {
  const found = /-----BEGIN ([A-Z ]+)-----([^-]+)-----END/.exec(text);
  if (!found) throw bad('the key is no PEM');
  if (!KINDS[found[1]]) throw bad(`a PEM of \`${found[1]}\` is not one of ${Object.keys(KINDS).join(', ')}`);
  return KINDS[found[1]](Buffer.from(found[2], 'base64'));
}

function fromJwk({ kty, n, e }) {
  if (kty !== 'RSA') throw bad(`keys of \`${kty}\` are not there, RSA is`);
  return { n: toNumber(Buffer.from(n, 'base64url')), e: toNumber(Buffer.from(e, 'base64url')) };
}

function power(base, exponent, modulus) {
  let [result, square] = [1n, base % modulus];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = result * square % modulus;
    if (left > 1n) square = square * square % modulus;
  }
  return result;
}

function verify({ n, e }, algorithm, digest, signature) {
  const length = Math.ceil(n.toString(16).length / 2);
  const value = toNumber(signature);
  if (!PREFIXES[algorithm] || signature.length !== length || value >= n || e > 0xffffffffn || length > 1024) return false;
  const tail = `00${PREFIXES[algorithm]}${Buffer.from(digest).toString('hex')}`;
  const fill = length * 2 - 4 - tail.length;
  const right = `0001${'f'.repeat(Math.max(0, fill))}${tail}`;
  return fill >= 16 && power(value, e, n).toString(16).padStart(length * 2, '0') === right;
}

module.exports = { fromSpki, fromPem, fromJwk, verify };
