'use strict';

const { once } = require('node:events');

/**
 * A worker that posts one message when it is ready, and one in answer to each: `call`
 * gives that.
 */
async function answering(t, worker) {
  t.teardown(() => worker.terminate());
  await once(worker, 'message');
  return {
    end: () => worker.terminate(),
    async call(...message) {
      worker.postMessage(message);
      const [errno] = await once(worker, 'message');
      return errno;
    },
  };
}

module.exports = { answering };
