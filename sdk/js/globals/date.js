// `Date` and `performance.now` by the host's clock, which stands still during a phase.

import { nowMs } from "rimward:filter/clock";

import { onlyInPhases } from "../api/host.js";
import { define } from "./define.js";

const Native = globalThis.Date;

function now() {
  onlyInPhases("Date.now");
  return Number(nowMs());
}

function Date(...args) {
  if (!new.target) return new Native(now()).toString();
  return Reflect.construct(Native, args.length === 0 ? [now()] : args, new.target);
}

Object.defineProperty(Date, "length", { value: 7 });
Object.defineProperty(Date, "prototype", { value: Native.prototype, writable: false });
Native.prototype.constructor = Date;
Object.assign(Date, { now, parse: Native.parse, UTC: Native.UTC });

define("Date", Date);
define("performance", { now, timeOrigin: 0 });
