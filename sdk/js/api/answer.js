// Responses that a filter makes.

import { pairsOf } from "./headers.js";
import { bytesOf, encode } from "./utf8.js";

/** The verdict "answer with this". */
export function respond({ status = 200, headers, body, json, cacheTtl } = {}) {
  const fields = pairsOf(headers);
  if (json !== undefined && !fields.some(([name]) => name.toLowerCase() === "content-type")) {
    fields.push(["content-type", "application/json"]);
  }
  return {
    tag: "respond",
    val: { status, headers: fields, body: json === undefined ? bytesOf(body, "the body") : encode(JSON.stringify(json)), cacheTtl },
  };
}

/** The verdict "send the client there". */
export function redirect(location, status = 302) {
  return respond({ status, headers: { location: String(location) } });
}
