// A queue, and a worker of BullMQ beside the server.
const { createServer } = require('node:http');
const { Queue, QueueEvents, Worker } = require('bullmq');

async function start() {
  const { hostname: host, port } = new URL(process.env.REDIS);
  const connection = { host, port: Number(port), maxRetriesPerRequest: null };
  const queue = new Queue('squares', { connection });
  const events = new QueueEvents('squares', { connection });
  const worker = new Worker('squares', async ({ data }) => data.number ** 2, { connection });
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);
  createServer(async (_, response) => {
    const job = await queue.add('square', { number: 7 }, { removeOnComplete: 1000 });
    response.end(`pid ${process.pid}, squared ${await job.waitUntilFinished(events)}`);
  }).listen(Number(process.env.PORT), '127.0.0.1');

  process.on('SIGTERM', async () => {
    await worker.close();
    await events.close();
    await queue.close();
    process.exit(0);
  });
}
start();
