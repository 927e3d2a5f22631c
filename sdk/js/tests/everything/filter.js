// Uses every part of the API and every global once: each path of the request is a case, whose outcome is the answer.

import { accessLog, clock, config, geo, HostError, html, images, kv, metrics, secrets, sha256, subrequest } from "rimward";

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const cases = {
  head: (req) => [req.method, req.uri, req.path, String(req.query), req.query.get("a"), req.query.get("none"), req.cookies.get("c"), req.host, req.clientIp],
  headers(req) {
    req.headers.set("x-one", "1");
    req.headers.append("x-one", "2");
    req.headers.set({ "x-two": ["a", "b"], "x-three": "ä" });
    req.headers.delete("x-gone", "x-never");
    return [
      req.headers.getAll("x-one"), req.headers.getAll("x-two"), req.headers.get("X-Three"), req.headers.has("x-gone"),
      req.headers.getMany("x-one", "x-no"), [...req.headers.keys()].includes("x-two"), Object.fromEntries(req.headers)["x-three"],
    ];
  },
  forbidden(req) {
    try {
      req.headers.set("connection", "close");
    } catch (error) {
      return [error instanceof HostError, error.code, error.message];
    }
  },
  kv() {
    const store = kv.open("store");
    const first = store.put("k", "ä", { ttl: 60, metadata: "m" });
    const again = store.put("k", "b", { ifGeneration: first });
    const refused = attempt(() => store.put("k", "c", { ifAbsent: true }));
    store.putJson("j", { a: [1] });
    const { text, metadata, generation } = store.entry("k");
    return [
      again > first, refused, text(), metadata, generation === again, store.get("none"), store.entry("none"), store.getJson("j"),
      store.increment("n", 5), attempt(() => store.increment("n", -7)), store.getMany("k", "none"), [...store.keys()].length, store.delete("k"), store.delete("k"),
      store.list({ prefix: "j" }), hex(store.getBytes("j")),
    ];
  },
  secrets() {
    const key = secrets.get("key");
    const mac = key.sign("hs256", "text");
    const wrong = attempt(() => secrets.get("other"));
    return [hex(mac), key.verify("hs256", "text", mac), key.verify("hs256", "texts", mac), key.equals("secret"), key.equals("no"), `${key}`, key.revealText(), wrong, hex(sha256("abc"))];
  },
  text: () => [
    new TextDecoder().decode(new TextEncoder().encode("aä€😀")), new TextEncoder().encode("\ud800").length,
    new TextDecoder().decode(Uint8Array.of(0x61, 0xe2, 0x82, 0x62, 0xff)), decodeURIComponent("%C3%A4"),
  ],
  url(req) {
    const url = new URL("../b?x=1&x=2#h", "https://user@example.com:443/a/c/d");
    url.searchParams.append("y", "ä z");
    return [url.href, url.origin, url.searchParams.getAll("x"), new URL(req.url).pathname, URL.canParse("nothing")];
  },
  globals: () => [
    new Headers([["A", "1"], ["a", "2"]]).get("a"), structuredClone({ d: new Date(0), m: new Map([[1, { x: 1 }]]) }).m.get(1).x, atob(btoa("x")),
    attempt(() => setTimeout(() => {}, 1)).slice(0, 17), attempt(() => fetch("/")).slice(0, 12), typeof crypto.randomUUID(), crypto.randomUUID() !== crypto.randomUUID(),
  ],
  time: () => [Date.now() === clock.now(), new Date().getTime() === clock.now(), new Date(2020, 1).getFullYear(), Date.now() > 1.6e12, new Date() instanceof Date, typeof Date()],
  random() {
    const numbers = Array.from({ length: 100 }, Math.random);
    return [new Set(numbers).size, numbers.every((number) => number >= 0 && number < 1), numbers.some((number) => number > 0.5), numbers.some((number) => number < 0.5)];
  },
  async promise() {
    const order = [];
    Promise.resolve().then(() => order.push(2));
    order.push(1);
    await null;
    for await (const item of counted(2)) order.push(item);
    const all = await Promise.all([1, Promise.resolve(2), later(3)]);
    const settled = await Promise.allSettled([later(1), Promise.reject(new Error("no"))]);
    const any = await Promise.any([Promise.reject(1), later(2)]);
    return [order, all, settled.map(({ status }) => status), any, await Promise.race([later(1), later(2)]), await later(1).finally(() => {})];
  },
  never: () => new Promise(() => {}),
  rejected: async () => {
    await null;
    throw new TypeError("rejected later");
  },
  thrown() {
    const inner = () => {
      throw new RangeError("too far", { cause: new Error("the cause") });
    };
    inner();
  },
  string: () => {
    throw "only a text";
  },
  wrong: () => 42,
  geo: () => [geo.country(), typeof geo.client, geo.lookup("0.0.0.0")?.city ?? null],
  places(req) {
    req.vars.set("seen", 1);
    req.origin = "other";
    req.cacheKeyPart("variant", "b");
    accessLog.set("field", "value");
    metrics.count("seen");
    metrics.count("seen", 2);
    metrics.observe("size", 1.5);
    console.log("%s is %d", "one", 1, { a: 1n, m: new Map([["k", new Set([1])]]) }, [1], null, undefined);
    console.error(new Error("logged"));
    return [req.vars.get("seen"), req.vars.get("none"), req.origin, config().list, clock.bucket("salt", "key", 1), req.phase, typeof req.budgetUs];
  },
  redirect: (req) => req.redirect("https://example.org/", 308),
  subrequest() {
    const reply = subrequest("/one", { to: "app", headers: { a: "b" } });
    const failed = attempt(() => subrequest({ uri: "https://unknown.example:8443/x?y" }));
    const [first, second] = subrequest.all(["/one", { uri: "/two", method: "POST", json: { a: 1 } }]);
    return [reply.status, reply.ok, reply.text(), reply.headers.get("X-Reply"), failed, first.text(), second.json()];
  },
};

async function* counted(to) {
  for (let i = 0; i < to; i++) yield await later(`item ${i}`);
}

function* nested() {
  yield* [1, 2];
}

const later = (value) => new Promise((resolve) => queueMicrotask(() => resolve(value)));

function attempt(call) {
  try {
    return call();
  } catch (error) {
    return error instanceof HostError ? error.code : `${error.name}: ${error.message}`;
  }
}

export async function request(req) {
  const returned = cases[req.path.slice(1)]?.(req);
  if (returned === undefined || returned?.tag) return returned;
  const outcome = await returned;
  return Array.isArray(outcome) ? req.respond({ json: outcome, headers: { "x-nested": [...nested()].length } }) : outcome;
}

export function requestBody(chunk) {
  return chunk.isLast ? undefined : chunk.hold();
}

export function originRequest(req) {
  if (req.path === "/made") return req.respond({ status: 203, body: Uint8Array.of(104, 105), cacheTtl: 60 });
}

export function originResponse(res, req) {
  if (req.path !== "/stored") return;
  res.cacheFor(60, { staleWhileRevalidate: 10 });
  res.surrogateKeys("a", "b");
  res.wantBody("chunks");
}

export function originResponseBody(chunk) {
  return chunk.text().toUpperCase();
}

export function response(res, req) {
  if (req.path === "/status") res.status = 418;
  if (req.path === "/replaced") return res.replaceBody(`${res.status} ${res.cacheResult}`);
  if (req.path === "/held") res.wantBody(1000);
  if (req.path === "/html") {
    html.setAttribute("a", "rel", "nofollow");
    html.append("body", "<p>");
    html.remove("script");
    images.apply({ width: 100, format: "webp" });
  }
}

export function responseBody(chunk, res, req) {
  return `${req.path} ${res.status} ${chunk.offset} ${chunk.length} ${chunk.bytes(0, 2).length}`;
}

export function configure(settings) {
  if (settings.refuse) throw new Error("this configuration is refused");
}

export function log(summary, req) {
  console.info(`${req.method} ${summary.status} ${summary.bytesSent} ${summary.cache}`);
}
