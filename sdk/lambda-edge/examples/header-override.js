'use strict';

// origin-response: a store that cannot set a header has it under a name of its own.
exports.handler = (event, context, callback) => {
  const { response } = event.Records[0].cf;
  const from = 'x-amz-meta-last-modified';
  if (response.headers[from]) {
    response.headers['last-modified'] = [{ key: 'Last-Modified', value: response.headers[from][0].value }];
  }
  callback(null, response);
};
