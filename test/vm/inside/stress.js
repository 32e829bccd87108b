// `stress.js <forks>`: forks without pause beside worker threads that never pause, and looks at each child's status.
// Prints how many were good. A child collects garbage, reads a file, waits for a timer, and some start a process.
const { execFile } = require('node:child_process');
const { readFile } = require('node:fs/promises');
const { promisify } = require('node:util');
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');
const { _exit, alarm, fork, waitpidAsync } = require('../../..');
const { collectGarbage, runHotFunction } = require('../../stress/child');

const TOGETHER = 2;
const DEADMAN_SECONDS = 240;
const total = Number(process.argv[2]);

async function live(i) {
  alarm(DEADMAN_SECONDS);
  collectGarbage();
  runHotFunction(i);
  await readFile(__filename);
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (i % 10 === 0) await promisify(execFile)('true');
  _exit(i % 200);
}

async function main() {
  const workers = ['read', 'compile'].map(
    (kind) => new Worker(join(__dirname, '..', '..', 'stress', 'busy.js'), { workerData: kind }),
  );
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.on('online', resolve))));
  let good = 0;
  let next = 0;
  async function line() {
    while (next < total) {
      const i = next++;
      const pid = fork({ allowInFlight: true });
      if (pid === 0) return live(i);
      const [, status] = await waitpidAsync(pid);
      if (status === (i % 200) << 8) good += 1;
      else console.error(`child ${i} ended with status ${status}`);
    }
  }
  const alive = await Promise.all(Array.from({ length: TOGETHER }, line));
  if (alive.length !== TOGETHER) return;
  console.log(`${good} of ${total}`);
  _exit(good === total ? 0 : 1);
}
main();
