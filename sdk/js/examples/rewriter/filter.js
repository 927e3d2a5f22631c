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

export function originResponse(res) {
  res.headers.delete("server", "x-powered-by");
  res.headers.set({ "x-content-type-options": "nosniff", "referrer-policy": "strict-origin-when-cross-origin" });
  if (res.headers.get("content-type")?.startsWith("text/html")) {
    res.headers.delete("content-length", "etag");
    res.wantBody(LARGEST);
  }
}

export function originResponseBody(chunk) {
  const { from, to } = config();
  const page = chunk.text();
  // Nothing returned: the bytes pass as they are, without a copy.
  return page.includes(from) ? page.replaceAll(from, to) : undefined;
}
