// The piece of a body that is just being shown. Its bytes stay in the host until they are read.

import * as raw from "rimward:filter/body";

import { bytesOf, decode } from "./utf8.js";

class Chunk {
  get length() {
    return raw.len();
  }

  get offset() {
    return Number(raw.offset());
  }

  get isLast() {
    return raw.isLast();
  }

  bytes(at = 0, max = raw.len()) {
    return raw.read(at, max);
  }

  text() {
    return decode(this.bytes());
  }

  hold() {
    return { tag: "hold" };
  }

  drop() {
    return { tag: "drop" };
  }
}

export const chunk = /* @__PURE__ */ new Chunk();

export const PASS = { tag: "pass" };

/** What a body phase returned, as the host wants it. */
export function chunkVerdict(returned) {
  if (returned === undefined || returned === null) return PASS;
  if (returned.tag === "hold" || returned.tag === "drop") return returned;
  return { tag: "replace", val: bytesOf(returned, "the new chunk") };
}
