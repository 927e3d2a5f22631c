'use strict';

// origin-response: what is not found is looked for elsewhere.
exports.handler = async (event) => {
  const { request, response } = event.Records[0].cf;
  if (response.status < '400' || response.status > '599') return response;
  return {
    ...response,
    status: '302',
    statusDescription: 'Found',
    body: '',
    headers: { ...response.headers, location: [{ key: 'Location', value: `/archive${request.uri}` }] },
  };
};
