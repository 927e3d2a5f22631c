// What is told of an error.
'use strict';

let fileName = '';
let before = 0; // how many characters of the first line are not the file's own

exports.setFile = (name, prefix) => {
  fileName = name;
  before = prefix.length;
};

// The lines of a stack that are in the handler's file, not in what is around it.
function traceOf(error) {
  const stack = error && typeof error === 'object' ? String(error.stack ?? '') : '';
  return stack.split('\n').filter((line) => line.includes(`${fileName}:`)).slice(0, 10)
    .map((line) => line.trim().replace(/:1:(\d+)(?=\)?$)/, (_, column) => `:1:${Math.max(1, column - before)}`));
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
