// Stands in for the host's interface `text`, which the SDK uses once a phase runs: `node --import` it, so that it is there before what uses it.

import { register } from "node:module";

import { native } from "./native.mjs";

export const encode = (text) => new native.TextEncoder().encode(text);
export const decode = (bytes) => new native.TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

register(
  `data:text/javascript,${encodeURIComponent(`export const resolve = (name, context, next) =>
    name === "rimward:filter/text" ? { url: ${JSON.stringify(import.meta.url)}, shortCircuit: true } : next(name, context);`)}`,
);
