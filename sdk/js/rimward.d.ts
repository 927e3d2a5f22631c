// The API of filters in JavaScript and TypeScript.

/** Text, or bytes. */
export type Body = string | Uint8Array | ArrayBuffer | ArrayBufferView | null;

/** Header fields as they are given: a value that is an array stands for several fields of the name. */
export type HeadersInit =
  | Record<string, string | number | (string | number)[]>
  | Iterable<readonly [string, string | number | (string | number)[]]>;

/** What a filter decides; made by `respond`, `redirect` and `replaceBody`. */
export interface Verdict {
  readonly tag: "respond" | "replace-body";
}

/** What a body phase decides beside new bytes; made by `chunk.hold()` and `chunk.drop()`. */
export interface ChunkVerdict {
  readonly tag: "hold" | "drop";
}

type Returned<T> = T | null | void | Promise<T | null | void>;

/** `request`: every request, before the cache. */
export type RequestPhase = (req: Request) => Returned<Verdict>;
/** `originRequest`: what goes to the origin, when the cache has nothing. */
export type OriginRequestPhase = RequestPhase;
/** `originResponse`: what comes from the origin, before it is stored. */
export type OriginResponsePhase = (res: Response, req: Request) => Returned<Verdict>;
/** `response`: every response, from the cache or not. */
export type ResponsePhase = OriginResponsePhase;
/** `requestBody`. Nothing returned lets the bytes pass as they are. */
export type RequestBodyPhase = (chunk: Chunk, req: Request) => Returned<ChunkVerdict | Exclude<Body, null>>;
/** `originResponseBody` and `responseBody`. Nothing returned lets the bytes pass as they are. */
export type ResponseBodyPhase = (chunk: Chunk, res: Response, req: Request) => Returned<ChunkVerdict | Exclude<Body, null>>;
/** `log`: after the last byte; nothing can be changed any more. */
export type LogPhase = (summary: Summary, req: Request) => void | Promise<void>;
/** `configure`: once, before a version of the filter gets traffic, with its `config` table; what is thrown refuses it. */
export type ConfigurePhase = (config: any) => void | Promise<void>;

/** How much of a body is wanted: each chunk as it comes, the whole up to so many bytes, or nothing. */
export type BodyWanted = "chunks" | number | "none";

/** Header fields of the request or the response. They stay in the edge; each call asks it. */
export interface Fields extends Iterable<[string, string]> {
  get(name: string): string | null;
  /** Several fields for the price of one call. */
  getMany(...names: string[]): (string | null)[];
  getAll(name: string): string[];
  has(name: string): boolean;
  set(name: string, value: string | number): void;
  /** Several fields for the price of one call. */
  set(fields: HeadersInit): void;
  append(name: string, value: string | number): void;
  delete(...names: string[]): void;
  keys(): IterableIterator<string>;
  entries(): IterableIterator<[string, string]>;
}

/** The request being served. */
export interface Request {
  readonly method: string;
  /** Path and query, as `/a?b=1`. */
  uri: string;
  readonly path: string;
  /** `String(req.query)` is the whole query, without `?`. */
  readonly query: { get(name: string): string | null; toString(): string };
  readonly scheme: string;
  host: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly headers: Fields;
  readonly cookies: { get(name: string): string | null };
  /** Variables of this request, seen by later phases and by other filters. */
  readonly vars: { get(name: string): string | null; set(name: string, value: string | number): void };
  /** A name in the edge's configuration, a URL, or its parts. */
  get origin(): string | CustomOrigin;
  set origin(to: string | CustomOrigin);
  readonly id: string;
  /** The name of this edge. */
  readonly pop: string;
  readonly phase: "request" | "origin-request" | "origin-response" | "response" | "log";
  readonly clientIp: string;
  /** CPU time that is left, in microseconds. */
  readonly budgetUs: number;
  /** What is known of the client's TLS connection. */
  tls(field: string): string | null;
  /** Tells responses of one URL apart in the cache. */
  cacheKeyPart(label: string, value: string | number): void;
  bypassCache(): void;
  wantBody(how: BodyWanted): void;
  respond(answer?: Answer): Verdict;
  redirect(location: string | URL, status?: number): Verdict;
}

/** The response on its way to the store or to the client. */
export interface Response {
  status: number;
  readonly headers: Fields;
  readonly cacheResult: "unknown" | "hit" | "stale" | "miss" | "revalidated" | "bypass" | "uncacheable";
  /** `originResponse` only: how long it is stored. */
  cacheFor(seconds: number, grace?: { staleWhileRevalidate?: number; staleIfError?: number }): void;
  cacheNever(): void;
  surrogateKeys(...keys: string[]): void;
  wantBody(how: BodyWanted): void;
  replaceBody(body: Body): Verdict;
  respond(answer?: Answer): Verdict;
}

/** The piece of a body that is just being shown. */
export interface Chunk {
  readonly length: number;
  /** Where it begins in the whole body. */
  readonly offset: number;
  readonly isLast: boolean;
  bytes(at?: number, max?: number): Uint8Array;
  text(): string;
  /** Shows it again, longer, with what comes next. */
  hold(): ChunkVerdict;
  /** Sends nothing of it. */
  drop(): ChunkVerdict;
}

/** A response that a filter makes. */
export interface Answer {
  /** 200 unless something else is said. */
  status?: number;
  headers?: HeadersInit;
  body?: Body;
  /** A body as JSON, with its content type. */
  json?: unknown;
  /** Seconds in the cache; in `originRequest` only. */
  cacheTtl?: number;
}

/** An origin that is not in the edge's configuration; the filter's `grants.hosts` has to name it. */
export interface CustomOrigin {
  host: string;
  /** 443, or 80 without TLS, unless something else is said. */
  port?: number;
  /** On unless something else is said. */
  tls?: boolean;
  sni?: string;
  pathPrefix?: string;
  connectTimeoutMs?: number;
  readTimeoutMs?: number;
  headers?: HeadersInit;
}

/** How a request ended. */
export interface Summary {
  status: number;
  bytesSent: number | bigint;
  durationUs: number | bigint;
  originUs?: number | bigint | null;
  cache: Response["cacheResult"];
  error?: string | null;
}

export function respond(answer?: Answer): Verdict;
export function redirect(location: string | URL, status?: number): Verdict;

/** The filter's `config` table. */
export function config<T = any>(): T;

/** What the edge answers when something can't be done. */
export class HostError extends Error {
  readonly code:
    | "not-allowed-in-phase" | "read-only" | "forbidden" | "invalid" | "no-such" | "denied" | "limit" | "timeout" | "unavailable" | "other";
}

/** A store of `[kv.NAME]`. */
export interface Store {
  get(key: string): string | null;
  getBytes(key: string): Uint8Array | null;
  getJson<T = any>(key: string): T | null;
  getMany(...keys: string[]): (string | null)[];
  entry(key: string): Entry | null;
  /** Returns the generation of what was written. */
  put(key: string, value: Exclude<Body, null>, options?: PutOptions): number;
  putJson(key: string, value: unknown, options?: PutOptions): number;
  increment(key: string, by?: number, options?: { ttl?: number }): number;
  delete(key: string): boolean;
  list(options?: { prefix?: string; cursor?: string; max?: number }): { keys: string[]; cursor: string | null };
  /** All keys that begin with `prefix`, page by page. */
  keys(prefix?: string): IterableIterator<string>;
}

export interface Entry {
  readonly bytes: Uint8Array;
  text(): string;
  json<T = any>(): T;
  readonly metadata: string | null;
  readonly generation: number;
  /** Seconds that it has left. */
  readonly ttl: number | null;
}

export interface PutOptions {
  /** Seconds until it is gone. */
  ttl?: number;
  metadata?: string;
  /** Only when there is no such key. */
  ifAbsent?: boolean;
  /** Only when it is of this generation. */
  ifGeneration?: number;
}

export const kv: { open(name: string): Store };

export type Algorithm = "hs256" | "hs384" | "hs512" | "rs256" | "es256" | "eddsa";

/** A secret of `[secret.NAME]`, which stays in the edge unless it is revealed. */
export interface Secret {
  sign(algorithm: Algorithm, message: Exclude<Body, null>): Uint8Array;
  verify(algorithm: Algorithm, message: Exclude<Body, null>, signature: Uint8Array): boolean;
  /** Takes the same time whatever is given. */
  equals(given: Exclude<Body, null>): boolean;
  reveal(): Uint8Array;
  revealText(): string;
}

export const secrets: { get(name: string): Secret };
export function sha256(data: Exclude<Body, null>): Uint8Array;

export interface SubrequestOptions {
  /** Where it goes: by default the URL's host, or the origin of the request that is served. */
  to?: string | CustomOrigin;
  method?: string;
  headers?: HeadersInit;
  body?: Body;
  json?: unknown;
  /** 500 unless something else is said. */
  timeoutMs?: number;
  /**
   * How many bytes of the response's body to take: of a longer one the beginning is given, and `truncated` is true. Unless it is said, a
   * body beyond the filter's limit `response_body` is an error.
   */
  maxBody?: number;
  /** Whether it goes through the edge's own cache. */
  cached?: boolean;
}

export interface Reply {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: Fields;
  readonly body: Uint8Array;
  /** Whether the body is longer than `maxBody`, and `body` its beginning. */
  readonly truncated: boolean;
  text(): string;
  json<T = any>(): T;
}

type Target = string | URL | (SubrequestOptions & { uri: string });

export const subrequest: {
  /** Sends a request and waits for the response. */
  (target: Target, options?: SubrequestOptions): Reply;
  /** Sends a request; `wait` waits for the response. */
  start(target: Target, options?: SubrequestOptions): { wait(): Reply };
  /** Sends several at the same time and waits for all. */
  all(targets: Target[]): Reply[];
};

/** Fields of this request's line in the access log. */
export const accessLog: { set(name: string, value: string | number): void };

export const clock: {
  /** Milliseconds since 1970. It stands still during a phase. */
  now(): number;
  /** A number below `buckets`, the same for the same key on every edge. */
  bucket(salt: string, key: string | number, buckets: number): number;
};

export interface Location {
  country?: string | null;
  countryName?: string | null;
  isEu: boolean;
  continent?: string | null;
  regionCode?: string | null;
  region?: string | null;
  city?: string | null;
  postalCode?: string | null;
  metroCode?: string | null;
  latitude?: number | null;
  longitude?: number | null;
  timezone?: string | null;
  asn?: number | null;
  asOrganization?: string | null;
}

export const geo: {
  /** The client's country alone, which is cheap. */
  country(): string | null;
  client(): Location | null;
  lookup(ip: string): Location | null;
};

export const metrics: { count(name: string, by?: number): void; observe(name: string, value: number): void };

/** Asks the edge's own image filter to work on the response's body. */
export const images: {
  apply(transform: { width?: number; height?: number; fit?: string; format?: string; quality?: number; dpr?: number }): void;
};

/** Rewriting of HTML that the edge does by itself while the body passes. */
export const html: {
  setAttribute(selector: string, name: string, value: string | number): void;
  remove(selector: string): void;
  append(selector: string, markup: string): void;
  prepend(selector: string, markup: string): void;
  setInner(selector: string, markup: string): void;
};
