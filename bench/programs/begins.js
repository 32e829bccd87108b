// The application of beginning.js: each worker is killed when it listens, so many times, and prints the milliseconds of processor
// time that it has used by then.
const { readdirSync, readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { broadcast, worker } = require('../..');

/** Of all its threads: proc_pid_schedstat, in nanoseconds. */
function used() {
  return readdirSync('/proc/self/task').reduce(
    (sum, id) => sum + Number(readFileSync(`/proc/self/task/${id}/schedstat`, 'latin1').split(' ')[0]),
    0,
  );
}

const left = Number(process.env.BENCH_TIMES);
broadcast('bench').onmessage = () => {};
createServer().listen(0, '127.0.0.1', () => {
  setImmediate(() => {
    console.log(used() / 1e6);
    const isLast = worker().restarts >= left;
    process.kill(isLast ? process.ppid : process.pid, isLast ? 'SIGTERM' : 'SIGKILL');
  });
});
