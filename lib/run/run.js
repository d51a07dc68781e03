'use strict';

const { Result, settle } = require('./guest');
const { readRunOptions } = require('./options');
const { commonThreads, threadsOf } = require('./pool');
const { nameOf } = require('./program');
const { Task } = require('./task');

/** The threads in which the guest of a plan runs. */
function poolOf({ pool }) {
  return pool === undefined ? commonThreads() : threadsOf(pool, 'options.pool');
}

async function run(program, options = {}) {
  const plan = readRunOptions(options, 'run', nameOf(program, true));
  return runPlan(program, plan, poolOf(plan));
}

/** The method of a pool. */
async function runIn(pool, program, options = {}) {
  const threads = threadsOf(pool, 'this');
  const plan = readRunOptions(options, 'pool.run', nameOf(program, true));
  return runPlan(program, plan, threads);
}

async function runPlan(program, plan, pool) {
  const outcome = await new Promise((resolve) => {
    const task = new Task(program, plan, pool, {
      finished: () => resolve(task.outcome),
    });
  });
  return settle(plan, new Result(outcome, plan.stdio));
}

module.exports = { poolOf, run, runIn };
