'use strict';

// origin-request: a query parameter chooses the bucket instead of the server.
const { parse } = require('querystring');

exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  if (parse(request.querystring).useS3Origin === 'true') {
    const domainName = 'my-bucket.s3.amazonaws.com';
    request.origin = { s3: { domainName, region: '', authMethod: 'none', path: '', customHeaders: {} } };
    request.headers.host = [{ key: 'host', value: domainName }];
  }
  callback(null, request);
};
