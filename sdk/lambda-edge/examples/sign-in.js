'use strict';

// viewer-request: who has no session is sent to sign in, and then back.
const { parse } = require('querystring');

function cookies(headers) {
  const found = {};
  for (const { value } of headers.cookie ?? []) Object.assign(found, parse(value, '; '));
  return found;
}

exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  if (cookies(request.headers)['session-id']) return callback(null, request);

  const back = request.querystring ? `${request.uri}?${request.querystring}` : request.uri;
  callback(null, {
    status: '302',
    statusDescription: 'Found',
    headers: {
      location: [{ key: 'Location', value: `https://www.example.com/sign-in?back=${encodeURIComponent(back)}` }],
      'set-cookie': [{ key: 'Set-Cookie', value: 'seen=1; Secure; HttpOnly' }],
    },
  });
};
