// One handler and its calls: finds it, calls it in whichever form it has, and takes the first answer it gives.
'use strict';

const loop = require('loop');
const { inspectFault, placeOf } = require('faults');

let fileName = '';
let environment = {};
let handler;
let call = null; // the call that runs, or the load

class Call {
  constructor(kind) {
    this.kind = kind;
    this.settled = false;
    this.waits = false; // a callback was called: what the handler has sent is still waited for, as on Lambda
    this.returned = undefined;
    this.unhandled = new Map(); // promises that were rejected and nobody looked
  }

  answer(value, waits = false) {
    if (this.settled) return;
    this.settled = true;
    this.waits = waits;
    this.value = value;
  }

  fail(error, fault = 'handler') {
    if (this.settled) return;
    this.settled = true;
    this.failed = { fault, error };
  }
}

// ------------------------------------------------------------------------- load

exports.prepare = (name, variables) => {
  fileName = name;
  environment = variables;
  handler = undefined;
  call = new Call('load');
  loop.begin(limit());
};

exports.whenLoaded = (promise, exported) => {
  const loading = call;
  const adopt = () => {
    const name = (environment._HANDLER || 'handler').split('.').pop();
    handler = exported?.[name] ?? exported?.default?.[name];
    if (typeof handler === 'function') loading.answer('');
    else loading.fail(new Error(`no function \`${name}\` is exported: ${namesOf(exported)}`));
  };
  if (promise) promise.then(adopt, (error) => loading.fail(error));
  else adopt();
};

function namesOf(exported) {
  const names = Object.keys(exported ?? {}).map((name) => `\`${name}\``);
  return names.length ? `the exports are ${names.join(', ')}` : 'nothing is exported';
}

// ------------------------------------------------------------------------- call

function limit() {
  return Number(environment.RIMWARD_TIMEOUT_MS) || 5000;
}

function contextOf(event, made) {
  const name = environment.AWS_LAMBDA_FUNCTION_NAME || fileName.replace(/\.[cm]?js$/, '');
  const version = environment.AWS_LAMBDA_FUNCTION_VERSION || '1';
  const region = environment.AWS_REGION || 'us-east-1';
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: name,
    functionVersion: version,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE || '128',
    logGroupName: `/aws/lambda/${region}.${name}`,
    logStreamName: `[${version}]`,
    invokedFunctionArn: `arn:aws:lambda:${region}:000000000000:function:${name}:${version}`,
    awsRequestId: String(event?.Records?.[0]?.cf?.config?.requestId ?? ''),
    getRemainingTimeInMillis: () => loop.remaining(),
    succeed: (value) => made.answer(value),
    fail: (error) => made.fail(error ?? new Error('the handler failed')),
    done: (error, value) => (error ? made.fail(error) : made.answer(value)),
  };
  return context;
}

exports.begin = (event) => {
  const made = call = new Call('handle');
  loop.begin(limit());
  const context = contextOf(event, made);
  const callback = (error, value) => {
    if (error !== null && error !== undefined) made.fail(error);
    else made.answer(value, context.callbackWaitsForEmptyEventLoop !== false);
  };
  try {
    const returned = handler(event, context, callback);
    if (typeof returned?.then === 'function') waitFor(made, returned);
    else made.returned = returned;
  } catch (error) {
    made.fail(error);
  }
};

// A handler that takes a callback as well may settle its promise with nothing and call back later.
function waitFor(made, promise) {
  promise.then(
    (value) => {
      made.promised = true;
      if (value !== undefined || handler.length < 3) made.answer(value);
    },
    (error) => made.fail(error),
  );
}

exports.isOver = () => call.settled && !call.waits;
exports.waitsOnly = () => call.waits;
exports.uncaught = (error) => {
  if (loop.isLate(error)) call.fail(error, 'time');
  else call.fail(error);
};
exports.rejected = (promise, reason, handled) => {
  if (!call) return;
  if (handled) call.unhandled.delete(promise);
  else call.unhandled.set(promise, reason);
};

// ------------------------------------------------------------------------- outcome

// Nothing is left to run: what came of it.
exports.outcome = () => {
  const made = call;
  loop.clear();
  if (!made.settled) settleAtEnd(made);
  if (made.kind === 'load') {
    return made.failed ? [false, placeOf(made.failed.error)] : [true, ''];
  }
  if (made.failed) return [false, JSON.stringify(inspectFault(made.failed.fault, made.failed.error))];
  try {
    return [true, JSON.stringify(made.value) ?? 'null'];
  } catch (error) {
    const broken = new TypeError(`the answer cannot be written as JSON: ${error.message}`);
    return [false, JSON.stringify(inspectFault('answer', broken))];
  }
};

function settleAtEnd(made) {
  if (made.returned !== undefined) return made.answer(made.returned);
  for (const reason of made.unhandled.values()) return made.fail(reason);
  if (made.promised) return made.answer(undefined);
  if (made.kind === 'load') return made.fail(new Error('the top level waits for what never comes'));
  made.fail(new Error('the handler came to its end without an answer: it neither called back nor returned one'), 'answer');
}
