// Rewrites responses: headers for every one, and the links of pages that still point to the old host.
//
//   [filter.links]
//   wasm = "plugins/rewriter.wasm"
//   config = { from = "http://old.example.com", to = "https://www.example.com" }
//   limits = { memory = "32MiB" }
//
// It works before the store (`originResponse`), so that a hit costs nothing.

import { config } from "rimward";

const LARGEST = 512 * 1024;

export function configure({ from, to }) {
  if (!from) throw new Error("`from` is missing: what the links start with");
  if (to === undefined) throw new Error("`to` is missing: what they are to start with");
}

export function originResponse(res) {
  res.headers.delete("server", "x-powered-by");
  res.headers.set({ "x-content-type-options": "nosniff", "referrer-policy": "strict-origin-when-cross-origin" });
  if (res.headers.get("content-type")?.startsWith("text/html")) {
    res.headers.delete("etag");
    res.wantBody(LARGEST);
  }
}

export function originResponseBody(chunk) {
  // Nothing returned: the bytes pass as they are, without a copy. So does a page that is longer than was wanted.
  if (!chunk.isLast) return;
  const { from, to } = config();
  const page = chunk.text();
  return page.includes(from) ? page.replaceAll(from, to) : undefined;
}
