'use strict';

const { readRunOptions } = require('./options');
const { commonThreads, threadsOf } = require('./pool');
const { nameOf } = require('./program');
const { Result, settle } = require('./result');
const { Task } = require('./task');

/** The threads in which the guest of a plan runs. */
function poolOf({ pool }) {
  return pool === undefined ? commonThreads() : threadsOf(pool, 'options.pool');
}

async function run(program, options = {}) {
  const plan = readRunOptions(options, 'run', nameOf(program, true));
  const pool = poolOf(plan);
  const outcome = await new Promise((resolve) => {
    const task = new Task(program, plan, pool, {
      finished: () => resolve(task.outcome),
    });
  });
  return settle(plan, new Result(outcome, plan.stdio));
}

module.exports = { poolOf, run };
