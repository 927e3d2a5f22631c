'use strict';

// viewer-request: only URLs that carry their signature are served. Written with `context`, the oldest form of answers.
const crypto = require('crypto');
const url = require('url');

const KEY = process.env.URL_KEY;

const refused = { status: '403', statusDescription: 'Forbidden', headers: {}, body: 'the signature is wrong\n' };

exports.handler = (event, context) => {
  const { request } = event.Records[0].cf;
  const { pathname, query } = url.parse(`${request.uri}?${request.querystring}`, true);
  const right = crypto.createHmac('sha256', KEY).update(`${pathname}\n${query.expires}`).digest();
  const given = Buffer.from(query.signature ?? '', 'base64url');
  const good = given.length === right.length && crypto.timingSafeEqual(given, right) && Number(query.expires) * 1000 > Date.now();
  context.succeed(good ? request : refused);
};
