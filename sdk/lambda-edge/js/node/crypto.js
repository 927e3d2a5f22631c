// Hashes, HMAC, random values and RSA signatures. Other ciphers and keys are not here.
'use strict';

const { Buffer } = require('buffer');
const { bytesOf } = require('encoding');
const rsa = require('crypto/rsa');

const SIZES = { md5: 64, sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128 }; // of blocks
const NAMES = Object.keys(SIZES);

function nameOf(algorithm) {
  const name = String(algorithm).toLowerCase().replace(/^rsa-/, '').replace(/^sha-/, 'sha');
  if (name in SIZES) return name;
  throw Object.assign(new Error(`the digest \`${algorithm}\` is not there: ${NAMES.join(', ')} are`), { code: 'ERR_CRYPTO_INVALID_DIGEST' });
}

function toBytes(data, encoding) {
  if (typeof data === 'string') return Buffer.from(data, encoding === 'buffer' ? 'utf8' : encoding);
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return bytesOf(data);
  if (data instanceof KeyObject) return data.bytes;
  throw Object.assign(new TypeError('what is hashed must be a string or bytes'), { code: 'ERR_INVALID_ARG_TYPE' });
}

const hash = (name, bytes) => new Uint8Array(host.hash(name, bytes));
const given = (bytes, encoding) => {
  const made = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return encoding && encoding !== 'buffer' ? made.toString(encoding) : made;
};

// ------------------------------------------------------------------------- hashes

// Keeps what it was given until the digest is asked for.
class Hash {
  #chunks = [];
  #done = false;

  constructor(name) { this.name = name; }

  update(data, encoding) {
    if (this.#done) throw Object.assign(new Error('Digest already called'), { code: 'ERR_CRYPTO_HASH_FINALIZED' });
    this.#chunks.push(Uint8Array.from(toBytes(data, encoding)));
    return this;
  }

  whole() {
    if (this.#done) throw Object.assign(new Error('Digest already called'), { code: 'ERR_CRYPTO_HASH_FINALIZED' });
    this.#done = true;
    return this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
  }

  write(data, encoding) { this.update(data, encoding); return true; }
  end(data, encoding) { if (data !== undefined) this.update(data, encoding); return this; }
  read() { return this.digest(); }
  digest(encoding) { return given(hash(this.name, this.whole()), encoding); }

  copy() {
    const copy = new Hash(this.name);
    copy.#chunks = [...this.#chunks];
    return copy;
  }
}

function hmac(name, key, data) {
  const block = new Uint8Array(SIZES[name]);
  block.set(key.length > block.length ? hash(name, key) : key);
  const keyed = (pad, rest) => {
    const whole = new Uint8Array(block.length + rest.length);
    for (let i = 0; i < block.length; i++) whole[i] = block[i] ^ pad;
    whole.set(rest, block.length);
    return hash(name, whole);
  };
  return keyed(0x5c, keyed(0x36, data));
}

class Hmac extends Hash {
  #key;

  constructor(name, key) {
    super(name);
    this.#key = Uint8Array.from(toBytes(key));
  }

  digest(encoding) { return given(hmac(this.name, this.#key, this.whole()), encoding); }
}

// ------------------------------------------------------------------------- random values, comparing

function randomBytes(length, callback) {
  const bytes = Buffer.from(host.random(length));
  if (callback) queueMicrotask(() => callback(null, bytes));
  return callback ? undefined : bytes;
}

function fillRandom(view) {
  const bytes = bytesOf(view);
  bytes.set(new Uint8Array(host.random(bytes.length)));
  return view;
}

function randomUUID() {
  const bytes = randomBytes(16);
  bytes[6] = bytes[6] & 15 | 64;
  bytes[8] = bytes[8] & 63 | 128;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function randomInt(least, most, callback) {
  if (most === undefined || typeof most === 'function') return randomInt(0, least, most);
  const range = most - least;
  if (!(range > 0 && range <= 2 ** 48)) throw new RangeError('the range must be 1 to 2 ** 48');
  let drawn;
  do drawn = randomBytes(6).readUIntBE(0, 6); while (drawn >= 2 ** 48 - 2 ** 48 % range);
  const value = least + drawn % range;
  if (callback) queueMicrotask(() => callback(null, value));
  return callback ? undefined : value;
}

function timingSafeEqual(a, b) {
  const [x, y] = [bytesOf(a), bytesOf(b)];
  if (x.length !== y.length) throw Object.assign(new RangeError('Input buffers must have the same byte length'), { code: 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH' });
  let differ = 0;
  for (let i = 0; i < x.length; i++) differ |= x[i] ^ y[i];
  return differ === 0;
}

// ------------------------------------------------------------------------- keys and signatures

class KeyObject {
  constructor(type, bytes, key) {
    Object.assign(this, { type, bytes, key });
    if (type === 'secret') this.symmetricKeySize = bytes.length;
    else this.asymmetricKeyType = 'rsa';
  }

  get asymmetricKeyDetails() {
    return this.key && { modulusLength: this.key.n.toString(2).length, publicExponent: this.key.e };
  }

  export() { return Buffer.from(this.bytes); }
}

function publicKey(key) {
  if (key instanceof KeyObject) return key.key;
  const source = key?.key ?? key;
  if (source instanceof KeyObject) return source.key;
  if (typeof source === 'object' && source?.kty) return rsa.fromJwk(source);
  return rsa.fromPem(typeof source === 'string' ? source : Buffer.from(source).toString());
}

const createPublicKey = (key) => new KeyObject('public', null, publicKey(key));
const createSecretKey = (key, encoding) => new KeyObject('secret', toBytes(key, encoding));

function verify(algorithm, data, key, signature) {
  const name = nameOf(algorithm);
  return rsa.verify(publicKey(key), name, hash(name, toBytes(data)), toBytes(signature));
}

class Verify extends Hash {
  verify(key, signature, encoding) {
    const wanted = typeof signature === 'string' ? Buffer.from(signature, encoding) : signature;
    return verify(this.name, this.whole(), key, wanted);
  }
}

// ------------------------------------------------------------------------- the web's form

const webName = (algorithm) => nameOf(typeof algorithm === 'string' ? algorithm : algorithm.hash?.name ?? algorithm.hash ?? algorithm.name);

class CryptoKey {
  constructor(type, algorithm, extractable, usages) {
    Object.assign(this, { type, algorithm, extractable: Boolean(extractable), usages: [...usages ?? []] });
  }
}

function ofRsa(made, key) {
  made.algorithm.modulusLength = key.n.toString(2).length;
  return Object.assign(made, { type: 'public', key });
}

const subtle = {
  digest: async (algorithm, data) => hash(webName(algorithm), bytesOf(data)).buffer,

  async importKey(format, data, algorithm, extractable, usages) {
    const name = String(algorithm.name ?? algorithm).toUpperCase();
    const hashed = { name: webName(algorithm).replace('sha', 'SHA-') };
    const key = new CryptoKey('secret', { name: name === 'HMAC' ? name : 'RSASSA-PKCS1-v1_5', hash: hashed }, extractable, usages);
    if (name === 'HMAC' && format === 'raw') return Object.assign(key, { bytes: Uint8Array.from(bytesOf(data)) });
    if (name === 'HMAC' && format === 'jwk') return Object.assign(key, { bytes: Buffer.from(data.k, 'base64url') });
    if (name === 'RSASSA-PKCS1-V1_5' && format === 'jwk') return ofRsa(key, rsa.fromJwk(data));
    if (name === 'RSASSA-PKCS1-V1_5' && format === 'spki') return ofRsa(key, rsa.fromSpki(bytesOf(data)));
    throw new DOMException(`keys of ${name} as ${format} are not there`, 'NotSupportedError');
  },

  async sign(algorithm, key, data) {
    if (!key.bytes) throw new DOMException('only HMAC signs', 'NotSupportedError');
    return hmac(webName(key.algorithm), key.bytes, bytesOf(data)).buffer;
  },

  async verify(algorithm, key, signature, data) {
    const name = webName(key.algorithm);
    if (key.key) return rsa.verify(key.key, name, hash(name, bytesOf(data)), bytesOf(signature));
    const right = hmac(name, key.bytes, bytesOf(data));
    return right.length === bytesOf(signature).length && timingSafeEqual(right, signature);
  },
};

const webcrypto = { subtle, randomUUID, getRandomValues: fillRandom, CryptoKey };

module.exports = {
  createHash: (algorithm) => new Hash(nameOf(algorithm)),
  createHmac: (algorithm, key) => new Hmac(nameOf(algorithm), key),
  createVerify: (algorithm) => new Verify(nameOf(algorithm)),
  createPublicKey, createSecretKey, verify, KeyObject,
  hash: (algorithm, data, encoding = 'hex') => given(hash(nameOf(algorithm), toBytes(data)), encoding),
  randomBytes, randomUUID, randomInt, timingSafeEqual,
  pseudoRandomBytes: randomBytes,
  randomFillSync: fillRandom,
  getRandomValues: fillRandom,
  getHashes: () => [...NAMES],
  webcrypto, subtle, constants: { RSA_PKCS1_PADDING: 1, RSA_PKCS1_PSS_PADDING: 6, RSA_PSS_SALTLEN_DIGEST: -1 },
};
