'use strict';

// origin-request: a share of the requests goes to the new bucket already.
const SHARE = Number(process.env.SHARE ?? 0.1);

exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  if (Math.random() < SHARE) {
    const domainName = 'new-bucket.s3.amazonaws.com';
    request.origin.s3.domainName = domainName;
    request.headers.host = [{ key: 'host', value: domainName }];
  }
  callback(null, request);
};
