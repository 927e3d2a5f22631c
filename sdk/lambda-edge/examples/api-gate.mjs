// viewer-request: a token is checked by the service that issued it. An ES module, with fetch.
import { createHash } from 'node:crypto';

const INTROSPECT = 'https://auth.example.com/introspect';

export const handler = async (event) => {
  const { request } = event.Records[0].cf;
  const token = /^Bearer (.+)$/.exec(request.headers.authorization?.[0].value ?? '')?.[1];
  if (!token) return { status: '401', headers: { 'www-authenticate': [{ key: 'WWW-Authenticate', value: 'Bearer' }] } };

  const response = await fetch(INTROSPECT, { method: 'POST', body: new URLSearchParams({ token }), signal: AbortSignal.timeout(800) });
  if (!response.ok) throw new Error(`the issuer answered ${response.status}`);
  const { active, sub } = await response.json();
  if (!active) return { status: '403', body: 'the token is not active\n' };

  request.headers['x-user'] = [{ key: 'X-User', value: sub }];
  request.headers['x-token-hash'] = [{ key: 'X-Token-Hash', value: createHash('sha256').update(token).digest('hex').slice(0, 8) }];
  return request;
};
