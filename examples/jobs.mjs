// Jobs of a BullMQ queue, each in a child of its own: one that crashes, or never ends, costs itself, and what a job leaks goes
// with it. What jobs need is loaded once, here, and found by all of them: a child costs a fork.
//
//     npm install bullmq ioredis
//     node examples/jobs.mjs redis://localhost:6379
import { availableParallelism } from 'node:os';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { inChild } from 'prefork/parallel';

/** As large as you like: nothing of it is copied. */
const squares = Array.from({ length: 1_000_000 }, (_, number) => number ** 2);

const handlers = {
  sum: ({ from, to }) => squares.slice(from, to + 1).reduce((sum, square) => sum + square, 0),
  // To see what becomes of jobs that go wrong.
  crash: () => process.abort(),
  hang: () => {
    for (;;);
  },
  fail: ({ why }) => {
    throw new RangeError(why);
  },
};

/** Whatever becomes of the child, this process goes on, and keeps the lock of the job meanwhile. */
function work(job) {
  const handler = handlers[job.name];
  if (handler === undefined) throw new Error(`There is no handler for ${job.name}`);
  return inChild(() => handler(job.data), { timeout: job.data.timeout ?? 60_000 });
}

// null: BullMQ asks for it.
const connection = new Redis(process.argv[2] ?? 'redis://localhost:6379', { maxRetriesPerRequest: null });
const worker = new Worker('jobs', work, { connection, concurrency: availableParallelism() });
worker.on('ready', () => console.log('ready'));
worker.on('failed', (job, error) => console.log(`${job?.name}: ${error.message}`));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await worker.close(); // when the jobs in hand are done
    connection.disconnect();
  });
}
