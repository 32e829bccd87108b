// `layout.js megabytes rounds floor.node plain|gathered|huge`: fork(), a bare clone and more in turn, in one process of that
// heap after warmup(): with the layout that V8 gives it, with gatherHeap(), and on huge pages, too.
// Prints { fork, clone, end, exit, write, collect: [ms…], read, warmup: ms, rss, private, pageTables: MB, mappings }.
const { readFileSync, readSync, writeSync } = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { _exit, fork, gatherHeap, pipe, waitpid, warmup } = require('../..');
const { fillHeap } = require('./heap');

const [megabytes, rounds] = process.argv.slice(2, 4).map(Number);
const { bareClone } = require(process.argv[4]);
const way = process.argv[5];
const [readingEnd, writingEnd] = pipe();
const times = new BigInt64Array(3);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const milliseconds = (from, to = process.hrtime.bigint()) => Number(to - from) / 1e6;
const kilobytes = (name, file) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/self/${file}`, 'utf8'))[1]);

/** One in a hundred objects gets another value. */
function writeHereAndThere() {
  for (const part of globalThis.kept) for (let i = 0; i < part.length; i += 100) part[i].id += 1;
}

function readAll() {
  let sum = 0;
  for (const part of globalThis.kept) for (const { id, nested } of part) sum += id + nested.value;
  return sum;
}

/** To the child's first line, what it writes then, and how long its end takes. */
function timeFork(result) {
  const begin = process.hrtime.bigint();
  const pid = fork();
  if (pid === 0) {
    times[0] = process.hrtime.bigint();
    writeHereAndThere();
    times[1] = process.hrtime.bigint();
    times[2] = BigInt(kilobytes('Private_Dirty', 'smaps_rollup'));
    writeSync(writingEnd, times);
    collect(); // of all that it has
    writeSync(writingEnd, BigInt64Array.of(process.hrtime.bigint()));
    _exit(0);
  }
  readSync(readingEnd, times);
  const [first, written, own] = times;
  readSync(readingEnd, times, 0, 8);
  const [ending] = times;
  waitpid(pid);
  result.fork.push(milliseconds(begin, first));
  result.write.push(milliseconds(first, written));
  result.private.push(Number(own) / 1000);
  result.exit.push(milliseconds(ending));
}

/** From the child's last line to when the parent has its status, of a child that does nothing. */
function timeEnd() {
  const pid = fork();
  if (pid === 0) {
    times[0] = process.hrtime.bigint();
    writeSync(writingEnd, times);
    _exit(0);
  }
  readSync(readingEnd, times);
  waitpid(pid);
  return milliseconds(times[0]);
}

if (way !== 'plain' && !gatherHeap().gathered) throw new Error(gatherHeap().reason);
fillHeap(megabytes);
const begin = process.hrtime.bigint();
warmup({ hugePages: way === 'huge' });
const result = { fork: [], clone: [], end: [], exit: [], write: [], private: [], collect: [], read: [] };
result.warmup = milliseconds(begin);
timeFork({ fork: [], exit: [], write: [], private: [] });
bareClone();
for (let i = 0; i < rounds; i++) {
  timeFork(result);
  result.clone.push(bareClone() / 1e6);
  result.end.push(timeEnd());
}
for (let i = 0; i < rounds; i++) {
  const start = process.hrtime.bigint();
  readAll();
  result.read.push(milliseconds(start));
}
result.rss = kilobytes('VmRSS', 'status') / 1000;
result.pageTables = kilobytes('VmPTE', 'status') / 1000;
result.mappings = readFileSync('/proc/self/maps', 'utf8').split('\n').length - 1;
for (let i = 0; i < 3; i++) {
  const start = process.hrtime.bigint();
  collect();
  result.collect.push(milliseconds(start));
}
console.log(JSON.stringify(result));
