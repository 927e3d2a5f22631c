// Secrets that the filter's `grants.secrets` names. The host signs and checks with them, so that they need not be read.

import * as crypto from "rimward:filter/crypto";
import * as raw from "rimward:filter/secrets";

import { ask } from "./host.js";
import { bytesOf, decode } from "./utf8.js";

const data = (value) => bytesOf(value, "the data");

class Secret {
  #name;
  #secret;

  constructor(name) {
    this.#name = name;
    this.#secret = ask(`secret \`${name}\``, () => raw.get(name));
  }

  sign(algorithm, message) {
    return this.#ask(() => crypto.sign(algorithm, this.#secret, data(message)));
  }

  verify(algorithm, message, signature) {
    return this.#ask(() => crypto.verify(algorithm, this.#secret, data(message), data(signature)));
  }

  equals(given) {
    const [ours, theirs] = [crypto.sha256(this.reveal()), crypto.sha256(data(given))];
    return ours.reduce((differ, byte, i) => differ | (byte ^ theirs[i]), 0) === 0;
  }

  reveal() {
    return this.#secret.reveal();
  }

  revealText() {
    return decode(this.reveal());
  }

  toString() {
    return `[secret ${this.#name}]`;
  }

  toJSON() {
    return this.toString();
  }

  #ask(call) {
    return ask(`secret \`${this.#name}\``, call);
  }
}

export const secrets = { get: (name) => new Secret(name) };

/** The SHA-256 digest of a text or of bytes, computed by the host. */
export const sha256 = (value) => crypto.sha256(data(value));
