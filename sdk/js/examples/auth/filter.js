// Lets in who sends the token that the secret `api-token` holds, as `Authorization: Bearer …`.
//
//   [filter.auth]
//   wasm = "plugins/auth.wasm"
//   config = { realm = "shop" }
//   grants = { secrets = ["api-token"] }

import { accessLog, config, secrets } from "rimward";

export function request(req) {
  const given = /^Bearer +(\S+)$/i.exec(req.headers.get("authorization") ?? "")?.[1];
  if (!given) return refuse(req, "missing");
  if (!secrets.get("api-token").equals(given)) return refuse(req, "wrong");
  // The origin is told that the edge has checked it, and never sees the token.
  req.headers.delete("authorization");
  req.headers.set("x-authenticated", "token");
}

function refuse(req, why) {
  accessLog.set("auth", why);
  console.warn(`${req.clientIp} was refused: the token is ${why}`);
  return req.respond({
    status: 401,
    headers: { "www-authenticate": `Bearer realm="${config().realm ?? "edge"}"`, "cache-control": "no-store" },
    body: "a token is needed\n",
  });
}
