// A thread that waits in its event loop is known by the registers in its signal frame, and takes its new number in the child:
// V8's profiler, which asks the kernel for a thread by its number, gets samples of it.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync, readlinkSync } = require('node:fs');
const { basename } = require('node:path');
const { isMainThread, parentPort, Worker } = require('node:worker_threads');
const { canary, inChild, load, skip } = require('./helpers/canary');

/** How many samples the profiler has of this thread after some work, if it is asked right away. */
function profile() {
  const { Session } = require('node:inspector');
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: 1000 });
  session.post('Profiler.start');
  // Processor time, for on a busy machine hardly any of 200 ms may be this thread's.
  for (const before = process.cpuUsage(); process.cpuUsage(before).user < 200_000; );
  return new Promise((resolve) => {
    session.post('Profiler.stop', (_error, { profile: { samples } }) => resolve(samples.length));
  });
}

/** It may have been heard before its loop turns. */
const isAsleep = (tid) => /\) S /.test(readFileSync(`/proc/self/task/${tid}/stat`, 'latin1'));

if (isMainThread) {
  canary(async () => {
    if (!process.features.inspector) skip('this Node has no inspector');
    load();
    const worker = new Worker(__filename);
    const [tid] = await once(worker, 'message');
    const ask = async () => {
      worker.postMessage('profile');
      return (await once(worker, 'message'))[0];
    };
    while (!isAsleep(tid)) await new Promise(setImmediate); // until the worker waits in its loop
    const samples = await inChild(ask);
    assert(samples > 20, `the profiler has ${samples} samples of a thread in the child`);
    await worker.terminate();
  });
} else {
  parentPort.on('message', async () => parentPort.postMessage(await profile()));
  parentPort.postMessage(basename(readlinkSync('/proc/thread-self')));
}
