// Answers with a kibibyte: what a whole server costs that runs JavaScript is measured with it.

import { respond } from "rimward";

const BODY = "a".repeat(1024);

export function request() {
  return respond({ headers: { "content-type": "text/plain" }, body: BODY });
}
