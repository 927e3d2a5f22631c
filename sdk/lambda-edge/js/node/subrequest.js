// Requests that a handler sends: the edge carries them out, within what the filter's configuration grants.
'use strict';

const loop = require('loop');

const CODES = { timeout: 'ETIMEDOUT', unavailable: 'ECONNREFUSED', 'no-such': 'ENOTFOUND', denied: 'EACCES' };
const MOST = 0xffffffff; // the edge's own limits hold

function named(error) {
  if (CODES[error.code]) error.code = CODES[error.code];
  return error;
}

// Where `url` is, as the host wants it: an origin of the configuration by name, or a server.
function target(url, origin) {
  if (origin) return [origin, 0, false];
  const tls = url.protocol === 'https:';
  if (!tls && url.protocol !== 'http:') throw new TypeError(`requests go to http: and https:, not to ${url.protocol}`);
  return [url.hostname.replace(/^\[|\]$/g, ''), Number(url.port) || (tls ? 443 : 80), tls];
}

// request: { method, url, headers: [[name, value]], body: Uint8Array, timeout, origin, cached }. `settle(error, response)`
// comes later, with { status, headers, body, url }; the result takes the request back.
module.exports = (request, settle) => {
  const { method, url, headers, body, timeout, origin, cached } = request;
  const [to, port, tls] = target(url, origin);
  const patience = Math.max(1, Math.min(timeout || Infinity, loop.remaining()));
  let pending;
  try {
    pending = host.start(
      method, url.pathname + url.search, headers, body ?? new Uint8Array(0), to, port, tls, patience, MOST, Boolean(cached),
    );
  } catch (error) {
    queueMicrotask(() => settle(named(error)));
    return () => {};
  }
  return loop.wait(pending, (error, response) => {
    if (error) return settle(named(error));
    const [status, received, content, truncated] = response;
    if (truncated) return settle(Object.assign(new Error('the response is larger than the limit `response_body`'), { code: 'limit' }));
    settle(null, { status, headers: received, body: new Uint8Array(content), url });
  });
};
