'use strict';

// origin-request: each country has its own page, others have the common one.
const PAGES = { DE: '/de', TW: '/tw', US: '/us' };

exports.handler = async (event) => {
  const { request } = event.Records[0].cf;
  const country = request.headers['cloudfront-viewer-country']?.[0].value;
  if (!(country in PAGES)) return request;
  const host = request.headers.host[0].value;
  return {
    status: '302',
    statusDescription: 'Found',
    headers: { location: [{ key: 'Location', value: `https://${host}${PAGES[country]}${request.uri}` }] },
  };
};
