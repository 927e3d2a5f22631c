'use strict';

// viewer-request, with the body: the origin gets the form with a field more.
const querystring = require('querystring');

exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  if (request.method === 'POST') {
    const fields = querystring.parse(Buffer.from(request.body.data, 'base64').toString());
    fields.id = 'edge';
    request.body.action = 'replace';
    request.body.encoding = 'text';
    request.body.data = querystring.stringify(fields);
  }
  return callback(null, request);
};
