// Where requests go, as authors write it and as the host wants it.

import { pairsOf } from "./headers.js";

/** A name in the edge's configuration, an absolute URL, or `{ host, port, tls, … }`. */
export function originOf(given) {
  if (typeof given === "string") {
    const parts = /^(https?):\/\/(\[[^\]]+\]|[^/:?#]+)(?::(\d+))?([^?#]*)$/i.exec(given);
    return parts ? ofUrl(parts) : { tag: "named", val: given };
  }
  if (typeof given?.host === "string") return custom(given);
  throw new TypeError("an origin is a name, as `app`, a URL, as `https://example.org`, or `{ host, port, tls }`");
}

function ofUrl([, scheme, host, port, path]) {
  return custom({ host, port: port && Number(port), tls: scheme.toLowerCase() === "https", pathPrefix: path === "/" ? "" : path });
}

function custom({ host, tls = true, port, sni, pathPrefix = "", connectTimeoutMs, readTimeoutMs, headers }) {
  return {
    tag: "custom",
    val: { host, port: port ?? (tls ? 443 : 80), tls, sni, pathPrefix, connectTimeoutMs, readTimeoutMs, headers: pairsOf(headers) },
  };
}

/** The host's form as authors see it: a name, or the parts. */
export function originFrom({ tag, val }) {
  return tag === "named" ? val : { ...val, headers: Object.fromEntries(val.headers) };
}
