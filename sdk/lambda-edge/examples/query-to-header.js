'use strict';

// origin-request: what the origin wants in a header comes in the query.
const querystring = require('querystring');

exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  const { auth } = querystring.parse(request.querystring);
  if (auth) request.headers['x-auth'] = [{ key: 'X-Auth', value: String(auth) }];
  callback(null, request);
};
