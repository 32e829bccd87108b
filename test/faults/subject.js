/**
 * The process that faults.js maltreats: forks in a loop, and keeps account of every child. Answers 'pause' with that
 * account once all children have ended, 'count' with what there is of descriptors, threads and children, and goes on
 * after 'resume'.
 */
const { execFile } = require('node:child_process');
const { once } = require('node:events');
const {
  closeSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} = require('node:fs');
const { readFile } = require('node:fs/promises');
const { join } = require('node:path');
const { promisify } = require('node:util');
const { Worker } = require('node:worker_threads');
const { WIFSIGNALED, WTERMSIG, _exit, alarm, fork, getpid, waitpidAsync } = require('../..');
const { liveThreads } = require('../helpers/threads');

const run = promisify(execFile);
const home = getpid();
const TOGETHER = 4;
const CHILD_SECONDS = 60;
const HONEST_FAILURE = 251; // the child works, but not what it tried: no descriptor, no process, no space left

const alive = new Map();
let account;
let resting = false;

function openAccount() {
  account = {
    forks: 0,
    good: 0,
    failedHonestly: 0,
    killed: {},
    errors: {},
    heard: account?.heard ?? 0,
    lost: [],
  };
}

function writeToFullDisk() {
  const file = openSync('/dev/full', 'w');
  try {
    writeSync(file, 'x');
  } finally {
    closeSync(file);
  }
}

/** Where there is little room for a time; null otherwise. */
let disk = null;

function writeToDisk(i) {
  if (disk === null) return;
  const file = join(disk, String(i));
  writeFileSync(file, 'x'.repeat(16_384));
  if (i % 2 === 0) rmSync(file);
}

async function live(i) {
  alarm(2 * CHILD_SECONDS);
  try {
    await readFile(__filename);
    await new Promise((resolve) => setTimeout(resolve, 1 + (i % 20)));
    if (i % 4 === 0) await run('true');
    if (i % 16 === 1) writeToFullDisk();
    writeToDisk(i);
  } catch {
    _exit(HONEST_FAILURE);
  }
  _exit(i % 200);
}

function note(tally, what) {
  tally[what] = (tally[what] ?? 0) + 1;
}

function judge(i, status) {
  if (WIFSIGNALED(status)) note(account.killed, WTERMSIG(status));
  else if (status === (i % 200) << 8) account.good++;
  else if (status === HONEST_FAILURE << 8) account.failedHonestly++;
  else account.lost.push(`child ${i} ended with status ${status}`);
}

/** Falls back on asking now and then where there is no descriptor for a pidfd. */
async function statusOf(pid) {
  for (;;) {
    try {
      return (await waitpidAsync(pid))[1];
    } catch (error) {
      if (getpid() !== home) return new Promise(() => {});
      if (error.code === 'ECHILD') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function forkOnce(i) {
  let pid;
  try {
    pid = fork();
  } catch (error) {
    note(account.errors, error.code);
    return;
  }
  if (pid === 0) {
    live(i);
    return;
  }
  account.forks++;
  const end = statusOf(pid)
    .then((status) => judge(i, status))
    .catch((error) => account.lost.push(`child ${i}: ${error.code}`))
    .finally(() => alive.delete(pid));
  alive.set(pid, end);
}

async function forkForEver() {
  for (let i = 0; ; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (getpid() !== home) return;
    if (!resting && alive.size < TOGETHER) forkOnce(i);
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function childrenOf(tid) {
  try {
    return readFileSync(`/proc/self/task/${tid}/children`, 'utf8').split(' ').filter(Boolean);
  } catch {
    return []; // the thread has ended, and its children are another's
  }
}

function census() {
  const threads = liveThreads();
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: threads.length,
    children: threads.flatMap(childrenOf).length,
  };
}

async function rest() {
  resting = true;
  const late = setTimeout(() => account.lost.push(`still alive: ${[...alive.keys()]}`), CHILD_SECONDS * 1000);
  const tooLate = new Promise((resolve) => setTimeout(resolve, CHILD_SECONDS * 1000 + 100).unref());
  await Promise.race([Promise.all(alive.values()), tooLate]);
  clearTimeout(late);
  process.send(account);
  openAccount();
}

/** A thread that stays in an uninterruptible call until somebody writes to the FIFO. */
function load({ library, fifo }) {
  Object.assign(process.env, { STUBBORN: 'vfork', STUBBORN_FIFO: fifo });
  try {
    process.dlopen({ exports: {} }, library);
  } catch {
    // it is not an add-on
  }
}

async function main() {
  openAccount();
  const program = `const { readFileSync } = require('node:fs');
    setInterval(() => {
      try {
        readFileSync(${JSON.stringify(__filename)});
      } catch {
        // no descriptor, for a time
      }
    }, 1);
    require('node:worker_threads').parentPort.postMessage('begins');`;
  const worker = new Worker(program, { eval: true });
  await once(worker, 'message'); // it has all its descriptors
  worker.on('error', () => {});
  await Promise.all(Array.from({ length: 8 }, () => readFile(__filename)));
  process.on('SIGTERM', () => {
    account.heard++;
  });
  process.on('message', (message) => {
    if (message === 'pause') rest();
    else if (message === 'count') process.send(census());
    else if (message === 'resume') resting = false;
    else if (message.disk !== undefined) disk = message.disk;
    else load(message);
  });
  process.on('disconnect', () => _exit(0));
  forkForEver();
}

main();
