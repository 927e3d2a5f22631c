'use strict';

// origin-response: what is not found is a page of its own, with status 200.
exports.handler = (event, context, callback) => {
  const { response } = event.Records[0].cf;
  if (Number(response.status) === 404) {
    response.status = 200;
    response.statusDescription = 'OK';
    response.body = 'There is nothing here, but look around.';
    response.headers['content-type'] = [{ key: 'Content-Type', value: 'text/plain' }];
  }
  callback(null, response);
};
