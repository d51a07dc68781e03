'use strict';

// Why the binary did not load, in one sentence.

const { dirname, join } = require('node:path');

/** Where the package is. npm puts the one with the binary beside it. */
const PACKAGE = dirname(__dirname);

/** What is said of files that do not exist, or that may not be looked for. */
const NOT_THERE =
  /^(Cannot find (module|package)|Unsupported |Access to this API has been restricted)/;

/**
 * Why a binary that is there did not load, if that is what happened.
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

/** Whether Node's permission model, where it is on, lets the process do this. */
function may(...scope) {
  return process.permission.has(...scope);
}

/** Whether the permission model hides where the binary is, or would be. */
function isHidden(platform) {
  if (!may('fs.read', join(PACKAGE, 'package.json'))) return true;
  const place = isPublishedFor(platform)
    ? join(dirname(PACKAGE), `wasi-rs-${platform}`)
    : join(PACKAGE, `wasi-rs.${platform}.node`);
  return !may('fs.read', place);
}

/**
 * The flags of Node that are missing where its permission model is what stands
 * between the package and its binary: none where it is not.
 */
function missingFlags(failure, platform) {
  if (process.permission === undefined) return [];
  const hidden = failure === undefined && isHidden(platform);
  const refused = failure?.message.includes('loading addons is disabled');
  if (!hidden && !refused) return [];
  return [
    // Node 20 never says that it loads addons.
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
  // Installing builds one, unless it was kept from that, or had no Rust.
  const rebuild = PACKAGE.includes('node_modules')
    ? 'npm rebuild --foreground-scripts --ignore-scripts=false wasi-rs'
    : 'npm install --ignore-scripts=false';
  return `There is no binary of wasi-rs for ${platform}: with Rust, from https://rustup.rs, \`${rebuild}\` builds one`;
}

/**
 * The error that says so.
 *
 * @param {Error} error what the generated loader threw
 * @param {string} platform in the words of the packages that carry the binaries
 * @param {string} [named] the binary that a variable names
 */
function noBinary(error, platform, named) {
  // Deno's own, which names the permission that is missing.
  const isRefused = error.name === 'NotCapable';
  const failure = named || isRefused ? error : loadFailure(error);
  // The loader's own error takes every failure for a bug of npm.
  const cause = failure ?? error.cause ?? error;
  return Object.assign(
    new Error(explain(failure, platform, named), { cause }),
    {
      code: 'ERR_WASI_NO_BINARY',
    },
  );
}

module.exports = { noBinary };
