'use strict';

// The error for a binary that did not load: one sentence that says why.

const { dirname, join } = require('node:path');

/** The directory of the package. npm installs the package with the binary beside it. */
const PACKAGE = dirname(__dirname);

/** Messages for files that do not exist, or that may not be read. */
const NOT_THERE =
  /^(Cannot find (module|package)|Unsupported |Access to this API has been restricted)/;

/**
 * The error of a binary that exists and did not load, if there is one.
 *
 * The generated loader tries several files, so most of what it chains together
 * in `cause` only says that one of them does not exist.
 */
function loadFailure(error) {
  for (let { cause } = error; cause instanceof Error; { cause } = cause) {
    if (!NOT_THERE.test(cause.message)) return cause;
  }
  return undefined;
}

/** Whether the package with the binary for this platform comes with this one. */
function isPublishedFor(platform) {
  const { optionalDependencies = {} } = require('../package.json');
  return `wasi-rs-${platform}` in optionalDependencies;
}

/** Whether Node's permission model, which must be on, allows this. */
function may(...scope) {
  return process.permission.has(...scope);
}

/** Whether the permission model does not allow the path of the binary to be read. */
function isHidden(platform) {
  if (!may('fs.read', join(PACKAGE, 'package.json'))) return true;
  const place = isPublishedFor(platform)
    ? join(dirname(PACKAGE), `wasi-rs-${platform}`)
    : join(PACKAGE, `wasi-rs.${platform}.node`);
  return !may('fs.read', place);
}

/**
 * The flags of Node that are missing, if the permission model keeps the binary from
 * being loaded; else none.
 */
function missingFlags(failure, platform) {
  if (process.permission === undefined) return [];
  const hidden = failure === undefined && isHidden(platform);
  const refused = failure?.message.includes('loading addons is disabled');
  if (!hidden && !refused) return [];
  return [
    // Node 20's `has('addon')` is never true.
    ...(refused || !may('addon') ? ['--allow-addons'] : []),
    ...(hidden ? [`--allow-fs-read=${dirname(PACKAGE)}`] : []),
    ...(may('wasi') ? [] : ['--allow-wasi']),
  ];
}

/** One sentence: what is wrong with this installation, and what to do. */
function explain(failure, platform, named) {
  const flags = missingFlags(failure, platform);
  if (flags.length > 0) {
    return `Node's permission model does not let wasi-rs load its binary: run node with ${flags.join(' ')}`;
  }
  if (named) {
    const [line] = (failure?.message ?? 'it is no addon').split('\n');
    return `Cannot load the binary of wasi-rs that WASI_RS_BINARY names: ${line}`;
  }
  if (failure !== undefined) {
    const [line] = failure.message.split('\n');
    return `Cannot load the binary of wasi-rs for ${platform}: ${line}`;
  }
  if (isPublishedFor(platform)) {
    return `The binary of wasi-rs for ${platform} is not installed: install wasi-rs again with optional dependencies, as in \`npm install --include=optional wasi-rs\``;
  }
  // Installing builds one, unless scripts are disabled or there is no Rust.
  const rebuild = PACKAGE.includes('node_modules')
    ? 'npm rebuild --foreground-scripts --ignore-scripts=false wasi-rs'
    : 'npm install --ignore-scripts=false';
  return `There is no binary of wasi-rs for ${platform}: with Rust, from https://rustup.rs, \`${rebuild}\` builds one`;
}

/**
 * Makes the error.
 *
 * @param {Error} error what the generated loader threw
 * @param {string} platform see `platformName()`
 * @param {string} [named] the value of WASI_RS_BINARY
 */
function noBinary(error, platform, named) {
  // The error of Deno names the permission that is missing.
  const isRefused = error.name === 'NotCapable';
  const failure = named || isRefused ? error : loadFailure(error);
  // The generated loader's own error blames npm for every failure.
  const cause = failure ?? error.cause ?? error;
  return Object.assign(
    new Error(explain(failure, platform, named), { cause }),
    {
      code: 'ERR_WASI_NO_BINARY',
    },
  );
}

module.exports = { noBinary };
