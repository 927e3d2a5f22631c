'use strict';

// origin-request: the server nearest to the visitor.
exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  const header = request.headers['cloudfront-viewer-country'];
  if (header) {
    const country = header[0].value;
    const place = ['GB', 'DE', 'IE'].includes(country) ? 'eu' : ['CN', 'JP', 'IN'].includes(country) ? 'asia' : 'us';
    request.origin.custom.domainName = `${place}.example.com`;
    request.headers.host = [{ key: 'Host', value: `${place}.example.com` }];
  }
  callback(null, request);
};
