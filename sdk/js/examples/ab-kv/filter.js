// An A/B test whose split lies in the KV store `experiments`, so that it can be changed without a deploy:
//
//   rimward kv put experiments checkout '{"salt":"2026-05","variants":{"a":90,"b":10}}'
//
//   [filter.checkout]
//   wasm = "plugins/ab-kv.wasm"
//   config = { experiment = "checkout" }
//   grants = { kv = ["experiments"] }
//
// A client keeps its variant by a cookie, the cache keeps the variants apart, and the origin is told by a header.

import { accessLog, clock, config, kv } from "rimward";

const WEEK = 7 * 24 * 3600;

export function request(req) {
  const { experiment } = config();
  const split = kv.open("experiments").getJson(experiment);
  if (!split) return;
  const kept = req.cookies.get(`ab-${experiment}`);
  const variant = Object.hasOwn(split.variants, kept) ? kept : drawn(req, split);
  if (variant !== kept) req.vars.set("ab-new", variant);
  req.cacheKeyPart(experiment, variant);
  req.headers.set(`x-variant-${experiment}`, variant);
  accessLog.set(experiment, variant);
}

export function response(res, req) {
  const variant = req.vars.get("ab-new");
  if (variant) res.headers.append("set-cookie", `ab-${config().experiment}=${variant}; Path=/; Max-Age=${WEEK}; Secure; SameSite=Lax`);
}

// The same client gets the same variant on every edge, cookie or not.
function drawn(req, { salt, variants }) {
  const total = Object.values(variants).reduce((sum, weight) => sum + weight, 0);
  if (total === 0) throw new Error("the experiment has no variant with a share");
  let bucket = clock.bucket(salt, req.clientIp, total);
  return Object.keys(variants).find((name) => (bucket -= variants[name]) < 0);
}
