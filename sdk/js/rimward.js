// The API of filters in JavaScript: `import { kv, secrets } from "rimward"`. What a filter does not use is not in its component.

export { redirect, respond } from "./api/answer.js";
export { HostError } from "./api/host.js";
export { kv } from "./api/kv.js";
export { accessLog, clock, config, geo, html, images, metrics } from "./api/others.js";
export { secrets, sha256 } from "./api/secrets.js";
export { subrequest } from "./api/subrequest.js";
