// `spawn.js megabytes rounds`: child_process.spawn() of a trivial program before any fork, after some, and in a forked
// child. Prints { before: [ms…], after: [ms…], child: [ms…] }: the time that the call itself blocks.
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { readSync, writeSync } = require('node:fs');
const { _exit, fork, pipe, waitpid, waitpidAsync } = require('../..');
const { fillHeap } = require('./heap');

const [megabytes, rounds] = process.argv.slice(2).map(Number);

async function timeSpawns() {
  const times = [];
  for (let i = 0; i <= rounds; i++) {
    const begin = process.hrtime.bigint();
    const child = spawn('/bin/true');
    times.push(Number(process.hrtime.bigint() - begin) / 1e6);
    await once(child, 'exit');
  }
  return times.slice(1);
}

async function main() {
  fillHeap(megabytes);
  const [readingEnd, writingEnd] = pipe();
  const before = await timeSpawns();
  for (let i = 0; i < 10; i++) {
    const pid = fork();
    if (pid === 0) _exit(0);
    waitpid(pid);
  }
  const after = await timeSpawns();
  const pid = fork();
  if (pid === 0) {
    writeSync(writingEnd, JSON.stringify(await timeSpawns()));
    _exit(0);
  }
  await waitpidAsync(pid);
  const buffer = Buffer.alloc(65_536);
  const child = JSON.parse(buffer.toString('utf8', 0, readSync(readingEnd, buffer)));
  console.log(JSON.stringify({ before, after, child }));
}

main();
