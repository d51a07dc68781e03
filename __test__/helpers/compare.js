'use strict';

// Compares the class under test with Node's.

const { setFlagsFromString } = require('node:v8');

const { WASI } = require('../../index.js');
const { ON_NODE, keepAnswer, sameAsKept } = require('./answers');

// Node.js 20 and 22 lose objects when a garbage collection happens inside one of
// node:wasi's fast calls, and crash after some hundred guests. As in programs.mjs.
if (ON_NODE) setFlagsFromString('--no-turbo-fast-api-calls');

/** Node's own class, on Node. */
const NodeWASI = ON_NODE ? require('node:wasi').WASI : undefined;

const NODE_MAJOR = Number.parseInt(process.versions.node, 10);

/** Everything that a program can see of an error, except where it was thrown. */
function describeError(error) {
  if (!(error instanceof Error)) return { thrown: String(error) };
  const { constructor, name, message, code, errno, syscall } = error;
  return {
    class: constructor.name,
    instanceOf: [TypeError, RangeError].map((Base) => error instanceof Base),
    name,
    message,
    code,
    errno,
    syscall,
    string: String(error),
    stackHeader: error.stack.split('\n    at ')[0],
    enumerable: Object.keys(error).filter(isOfNode),
    own: Reflect.ownKeys(error).filter(isOfNode).toSorted(),
    messageProperty: withoutValue(error, 'message'),
    codeProperty: withoutValue(error, 'code'),
  };
}

/** Properties that only our errors have: what could not be opened. */
const isOfNode = (key) => !['path', 'dest', 'fd'].includes(key);

function withoutValue(object, key) {
  const { value: _, ...flags } =
    Object.getOwnPropertyDescriptor(object, key) ?? {};
  return flags;
}

/** The outcome of `body`: `{ returned }`, or a description of its error. */
function outcome(body) {
  try {
    return { returned: body() };
  } catch (error) {
    return describeError(error);
  }
}

/** Asserts that `body` has the same outcome with both classes. */
function sameAsNode(t, body, message) {
  const ours = outcome(() => body(WASI));
  if (ON_NODE) {
    const nodes = outcome(() => body(NodeWASI));
    t.deepEqual(ours, nodes, message);
    keepAnswer(t, nodes);
  } else {
    sameAsKept(t, ours, message);
  }
  return ours;
}

module.exports = { NODE_MAJOR, NodeWASI, WASI, outcome, sameAsNode };
