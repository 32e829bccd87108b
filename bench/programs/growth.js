// `growth.js forks`: what so many forks leave behind in the parent. Prints { before, after }: resident memory in MB,
// open descriptors and memory mappings.
const { readdirSync, readFileSync } = require('node:fs');
const { _exit, fork, waitpid } = require('../..');

function measure() {
  globalThis.gc();
  return {
    rss: process.memoryUsage.rss() / 1e6,
    descriptors: readdirSync('/proc/self/fd').length,
    mappings: readFileSync('/proc/self/maps', 'latin1').split('\n').length,
  };
}

function forkTimes(count) {
  for (let i = 0; i < count; i++) {
    const pid = fork();
    if (pid === 0) _exit(0);
    waitpid(pid);
  }
}

const forks = Number(process.argv[2]);
forkTimes(Math.ceil(forks / 10)); // until everything has its size
const before = measure();
forkTimes(forks);
console.log(JSON.stringify({ before, after: measure() }));
