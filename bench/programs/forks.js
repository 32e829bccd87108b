// `forks.js megabytes rounds floor.node`: this package's fork() and a bare clone in turn, in one process of that heap.
// Prints { fork: [ms…], clone: [ms…], rss: MB }.
const { readSync, writeSync } = require('node:fs');
const { _exit, fork, pipe, waitpid } = require('../..');
const { fillHeap } = require('./heap');

const [megabytes, rounds] = process.argv.slice(2, 4).map(Number);
const { bareClone } = require(process.argv[4]);
const [readingEnd, writingEnd] = pipe();
const clock = new BigInt64Array(1);

/** Nanoseconds from the call to the first line of the child. */
function timeFork() {
  const begin = process.hrtime.bigint();
  const pid = fork();
  if (pid === 0) {
    clock[0] = process.hrtime.bigint();
    writeSync(writingEnd, clock);
    _exit(0);
  }
  readSync(readingEnd, clock);
  waitpid(pid);
  return Number(clock[0] - begin);
}

fillHeap(megabytes);
timeFork();
bareClone();
const result = { fork: [], clone: [] };
for (let i = 0; i < rounds; i++) {
  result.fork.push(timeFork() / 1e6);
  result.clone.push(bareClone() / 1e6);
}
result.rss = process.memoryUsage.rss() / 1e6;
console.log(JSON.stringify(result));
