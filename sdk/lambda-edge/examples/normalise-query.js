'use strict';

// viewer-request: one form for all spellings of a query, so that the cache has it once.
const querystring = require('querystring');

exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  const parameters = querystring.parse(request.querystring.toLowerCase());
  const sorted = {};
  for (const name of Object.keys(parameters).sort()) sorted[name] = parameters[name];
  request.querystring = querystring.stringify(sorted);
  callback(null, request);
};
