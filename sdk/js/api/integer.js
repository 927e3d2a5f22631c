// WIT's 64-bit integers are numbers in QuickJS and BigInts in StarlingMonkey; `__RIMWARD_ENGINE__` is set by the build.

export const integer = __RIMWARD_ENGINE__ === "starling" ? big : (value) => value;

// componentize-js 0.23 ends the instance when it is given a negative one.
function big(value) {
  if (value < 0) throw new RangeError(`StarlingMonkey can't hand ${value} to the host: the number is negative`);
  return BigInt(value);
}
