// `beginning.js without times application…`: the process manager, in this process, without a part of what a worker begins with:
// nothing, bell, recorder. Each worker is killed when it listens, so many times, and prints the milliseconds of processor time that
// it has used by then. As `application`: that application.
const { readdirSync, readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');

/** Of all its threads: proc_pid_schedstat, in nanoseconds. */
function used() {
  return readdirSync('/proc/self/task').reduce(
    (sum, id) => sum + Number(readFileSync(`/proc/self/task/${id}/schedstat`, 'latin1').split(' ')[0]),
    0,
  );
}

function serve() {
  const { broadcast, worker } = require('../..');
  const left = Number(process.env.PREFORK_BENCH_TIMES);
  broadcast('bench').onmessage = () => {};
  createServer().listen(0, '127.0.0.1', () => {
    setImmediate(() => {
      console.log(used() / 1e6);
      const isLast = worker().restarts >= left;
      process.kill(isLast ? process.ppid : process.pid, isLast ? 'SIGTERM' : 'SIGKILL');
    });
  });
}

const PARTS = {
  nothing: () => {},
  bell: (dist) => {
    require(join(dist, 'manager/worker/broadcast.js')).beginReceiving = () => {};
    require(join(dist, 'manager/bells.js')).lookWithoutRing = () => {};
  },
  recorder: (dist) => {
    require(join(dist, 'manager/worker/recordings.js')).recorder = () => () => {};
  },
};

const [without, times] = process.argv.slice(2);
if (process.env.PREFORK_BENCH_TIMES) serve();
else {
  const dist = join(__dirname, '..', '..', 'dist');
  PARTS[without](dist);
  process.env.PREFORK_BENCH_TIMES = times;
  process.argv.splice(1, 3, join(dist, 'cli/main.js'), '-w', '1', '--no-config', __filename);
  require(join(dist, 'cli/main.js'));
}
