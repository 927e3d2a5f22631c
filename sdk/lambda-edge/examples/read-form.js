'use strict';

// viewer-request, with the body: who fills in a form is answered here.
const querystring = require('querystring');

exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  if (request.method !== 'POST') return callback(null, request);
  const body = Buffer.from(request.body.data, 'base64').toString();
  const fields = querystring.parse(body);
  for (const [name, value] of Object.entries(fields)) console.log(`${name}: ${value}`);
  callback(null, {
    status: '200',
    headers: { 'content-type': [{ key: 'Content-Type', value: 'application/json' }] },
    body: JSON.stringify(fields),
  });
};
