// The smaller parts of the host.

import { ask } from "./host.js";
import { integer } from "./integer.js";
import * as rawClock from "rimward:filter/clock";
import * as rawConfig from "rimward:filter/config";
import * as rawGeo from "rimward:filter/geo";
import * as rawHtml from "rimward:filter/html";
import * as rawImages from "rimward:filter/images";
import * as rawLog from "rimward:filter/log";
import * as rawMetrics from "rimward:filter/metrics";

let parsed;

/** The filter's `config` table. */
export function config() {
  return (parsed ??= JSON.parse(rawConfig.all() || "{}"));
}

/** Fields of this request's line in the access log. */
export const accessLog = { set: (name, value) => rawLog.field(name, String(value)) };

export const clock = {
  now: () => Number(rawClock.nowMs()),
  bucket: (salt, key, buckets) => rawClock.bucket(salt, String(key), buckets),
};

export const geo = {
  country: () => rawGeo.country() ?? null,
  client: () => rawGeo.client() ?? null,
  lookup: (ip) => rawGeo.lookup(ip) ?? null,
};

export const metrics = {
  count: (name, by = 1) => rawMetrics.count(name, integer(by)),
  observe: (name, value) => rawMetrics.observe(name, value),
};

/** Asks the edge's own image filter to work on the response's body. */
export const images = { apply: (transform) => ask("the image", () => rawImages.apply(transform)) };

const rule = (selector, edit) => ask(`HTML rule \`${selector}\``, () => rawHtml.rule(selector, edit));

/** Rewriting of HTML that the edge does by itself while the body passes. */
export const html = {
  setAttribute: (selector, name, value) => rule(selector, { tag: "set-attribute", val: [name, String(value)] }),
  remove: (selector) => rule(selector, { tag: "remove" }),
  append: (selector, markup) => rule(selector, { tag: "append-html", val: markup }),
  prepend: (selector, markup) => rule(selector, { tag: "prepend-html", val: markup }),
  setInner: (selector, markup) => rule(selector, { tag: "set-inner", val: markup }),
};
