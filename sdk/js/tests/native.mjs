// Node's own globals, kept before the SDK's take their place: what the SDK's are compared with.

export const native = { URL, URLSearchParams, Headers, Promise, structuredClone, TextDecoder, TextEncoder, queueMicrotask };
