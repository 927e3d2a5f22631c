'use strict';

// viewer-request: half of the visitors see another page. A cookie keeps whoever has seen one with it.
const PAGES = { a: '/experiment/control.jpg', b: '/experiment/treatment.jpg' };

exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  if (request.uri !== '/experiment') return callback(null, request);

  const cookies = (request.headers.cookie ?? []).map((header) => header.value).join(';');
  const seen = /(?:^|;)\s*variant=([ab])(?:;|$)/.exec(cookies);
  const variant = seen ? seen[1] : Math.random() < 0.5 ? 'a' : 'b';
  console.log('the visitor gets', variant);

  request.uri = PAGES[variant];
  callback(null, request);
};
