'use strict';

// origin-request: the bucket nearest to the visitor.
const REGIONS = { 'eu-central-1': ['CZ', 'DE', 'FR', 'GB', 'NL'], 'ap-northeast-1': ['JP', 'KR', 'TW'] };

exports.handler = async (event) => {
  const { request } = event.Records[0].cf;
  const country = request.headers['cloudfront-viewer-country']?.[0].value;
  const region = Object.keys(REGIONS).find((name) => REGIONS[name].includes(country));
  if (region) {
    const domainName = `my-bucket-in-${region}.s3.${region}.amazonaws.com`;
    Object.assign(request.origin.s3, { region, domainName });
    request.headers.host = [{ key: 'host', value: domainName }];
  }
  return request;
};
