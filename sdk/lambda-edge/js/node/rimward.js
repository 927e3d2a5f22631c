// What the edge has beyond Lambda: `require('rimward')`.
'use strict';

const { Buffer } = require('buffer');

const ALGORITHMS = ['hs256', 'hs384', 'hs512', 'rs256', 'es256', 'eddsa'];
const MODES = { overwrite: 0, add: 1, compare: 2 };

const bytes = (value) => (typeof value === 'string' ? Buffer.from(value) : value);

function algorithm(name) {
  const at = ALGORITHMS.indexOf(String(name).toLowerCase());
  if (at < 0) throw new TypeError(`the algorithm \`${name}\` is not one of ${ALGORITHMS.join(', ')}`);
  return at;
}

class Store {
  #handle;

  constructor(name) { this.#handle = host.kvOpen(name); }

  getEntry(key) {
    const found = host.kvGet(this.#handle, key);
    if (!found) return null;
    const [value, metadata, generation, ttl] = found;
    return { value: Buffer.from(value), metadata, generation, ttl };
  }

  get(key) { return this.getEntry(key)?.value ?? null; }
  getText(key) { return this.get(key)?.toString() ?? null; }
  getJson(key) { return JSON.parse(this.getText(key)); }

  put(key, value, { mode, generation = null, ttl = null, metadata = null } = {}) {
    const how = mode ?? (generation === null ? 'overwrite' : 'compare');
    if (!(how in MODES)) throw new TypeError(`the mode \`${how}\` is not one of ${Object.keys(MODES).join(', ')}`);
    return host.kvPut(this.#handle, key, bytes(value), MODES[how], generation, ttl, metadata);
  }

  increment(key, by = 1, { ttl = null } = {}) { return host.kvIncrement(this.#handle, key, by, ttl); }
  delete(key) { return host.kvDelete(this.#handle, key); }

  list(prefix = '', { cursor = null, max = 1000 } = {}) {
    const [keys, next] = host.kvList(this.#handle, prefix, cursor, max);
    return { keys, cursor: next };
  }
}

// The value stays in the edge unless it is revealed.
class Secret {
  #handle;

  constructor(name) { this.#handle = host.secretGet(name); }

  reveal() { return Buffer.from(host.secretReveal(this.#handle)); }
  sign(name, data) { return Buffer.from(host.secretSign(this.#handle, algorithm(name), bytes(data))); }
  verify(name, data, signature) { return host.secretVerify(this.#handle, algorithm(name), bytes(data), bytes(signature)); }
}

module.exports = {
  kv: (name) => new Store(name),
  secret: (name) => new Secret(name),
  config: () => JSON.parse(host.config()),
  bucket: (salt, key, buckets) => host.bucket(salt, key, buckets),
  logField: (name, value) => host.logField(name, value),
};
