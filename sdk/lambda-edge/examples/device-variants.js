'use strict';

// origin-request: what is served depends on the device, which CloudFront tells in headers.
const DEVICES = ['desktop', 'mobile', 'smarttv', 'tablet'];

exports.handler = (event, context, callback) => {
  const { request } = event.Records[0].cf;
  const is = (device) => request.headers[`cloudfront-is-${device}-viewer`]?.[0].value === 'true';
  const device = DEVICES.find(is);
  if (device) request.uri = `/${device}${request.uri}`;
  callback(null, request);
};
