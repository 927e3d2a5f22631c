'use strict';

// viewer-request: answers with a page of its own, whatever is asked for.
const page = (uri) => `<!doctype html>
<html lang="en">
<title>At the edge</title>
<p>There is no server behind ${uri.replace(/[<&]/g, (c) => `&#${c.charCodeAt(0)};`)}.</p>
</html>
`;

exports.handler = (event, context, callback) => {
  callback(null, {
    status: '200',
    statusDescription: 'OK',
    headers: {
      'cache-control': [{ key: 'Cache-Control', value: 'max-age=100' }],
      'content-type': [{ key: 'Content-Type', value: 'text/html; charset=utf-8' }],
    },
    body: page(event.Records[0].cf.request.uri),
  });
};
