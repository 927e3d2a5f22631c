'use strict';

// origin-request: what changes often comes from a server, the rest from the bucket.
exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  if (request.uri.startsWith('/api/')) {
    request.origin = {
      custom: {
        domainName: 'api.example.org', port: 443, protocol: 'https', path: '', sslProtocols: ['TLSv1.2'],
        readTimeout: 5, keepaliveTimeout: 5, customHeaders: {},
      },
    };
    request.headers.host = [{ key: 'Host', value: 'api.example.org' }];
  }
  callback(null, request);
};
