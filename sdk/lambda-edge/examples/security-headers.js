'use strict';

// viewer-response: headers that browsers want on every page.
const HEADERS = {
  'Strict-Transport-Security': 'max-age=63072000; includeSubDomains; preload',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

exports.handler = async (event) => {
  const { response } = event.Records[0].cf;
  for (const [key, value] of Object.entries(HEADERS)) response.headers[key.toLowerCase()] = [{ key, value }];
  return response;
};
