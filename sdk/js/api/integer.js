// WIT's 64-bit integers are numbers in QuickJS and BigInts in StarlingMonkey; `__RIMWARD_ENGINE__` is set by the build.

export const integer = __RIMWARD_ENGINE__ === "starling" ? (value) => BigInt(value) : (value) => value;
