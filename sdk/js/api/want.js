// How much of a body a filter wants to see.

/** `"chunks"`, a number of bytes to hold back and show at once, or `"none"`. */
export function wanted(how) {
  if (how === "chunks" || how === "none") return { tag: how };
  if (Number.isInteger(how) && how > 0) return { tag: "buffered", val: how };
  throw new TypeError("what is wanted of a body is `chunks`, `none` or the most bytes to show at once, as 65536");
}
