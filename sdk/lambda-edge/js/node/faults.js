// What is told of an error.
'use strict';

let fileName = '';
let before = 0; // how many characters of the first line are not the file's own

exports.setFile = (name, prefix) => {
  fileName = name;
  before = prefix.length;
};

// `error.stack` as in Node: a line of the error, and where it came through the handler's file. What is around the handler
// is left out.
Error.prepareStackTrace = (error, sites) => {
  const lines = sites.filter((site) => site.getFileName()).map((site) => {
    const line = site.getLineNumber();
    const column = Math.max(1, site.getColumnNumber() - (line === 1 ? before : 0));
    const place = `${site.getFileName()}:${line}:${column}`;
    const name = site.getFunctionName();
    return name ? `    at ${name} (${place})` : `    at ${place}`;
  });
  return [headOf(error), ...lines].join('\n');
};

function headOf(error) {
  const { name = 'Error', message = '' } = error;
  return message === '' ? String(name) : `${name}: ${message}`;
}

function traceOf(error) {
  const stack = error && typeof error === 'object' ? String(error.stack ?? '') : '';
  return stack.split('\n').filter((line) => line.startsWith('    at ')).map((line) => line.trim());
}

function nameOf(error) {
  if (error && typeof error === 'object') return String(error.name ?? error.constructor?.name ?? 'Error');
  return typeof error === 'string' ? 'Error' : typeof error;
}

function messageOf(error) {
  if (error && typeof error === 'object') return String(error.message ?? JSON.stringify(error));
  return String(error);
}

exports.inspectFault = (fault, error) => ({
  fault, errorType: nameOf(error), errorMessage: messageOf(error), trace: traceOf(error),
});

// One line for whoever deploys: `SyntaxError: … at handler.js:3:5`.
exports.placeOf = (error) => {
  if (error?.code === 'MODULE_NOT_FOUND') return messageOf(error);
  return [`${nameOf(error)}: ${messageOf(error)}`, ...traceOf(error).slice(0, 1)].join(' ');
};
