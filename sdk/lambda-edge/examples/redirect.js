'use strict';

// viewer-request: everything has moved.
exports.handler = (event, context, callback) => {
  const { uri, querystring } = event.Records[0].cf.request;
  callback(null, {
    status: '302',
    statusDescription: 'Found',
    headers: { location: [{ key: 'Location', value: `https://new.example.com${uri}${querystring ? `?${querystring}` : ''}` }] },
  });
};
