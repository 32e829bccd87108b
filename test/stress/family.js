/**
 * `family.js <profile> <forks> [brief]`: one parent, its busy threads, and its children. Prints lines of JSON; run.js starts it
 * and watches.
 */
const { closeSync, mkdtempSync, openSync, readdirSync, rmSync, write, writeSync } = require('node:fs');
const { readFile } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { _exit, fork, getpid, getppid, waitpidAsync } = require('../..');
const { liveThreads } = require('../helpers/threads');
const { backtrace, family } = require('./backtrace');
const { collectGarbage, expectedStatus, live, runHotFunction } = require('./child');
const profiles = require('./profiles');

const CHILD_SECONDS = Number(process.env.STRESS_CHILD_SECONDS ?? 60);
// Told to workers, not asked by them: in a child's copy of one that is just starting the answer would be another.
const home = isMainThread ? getpid() : workerData.home;

function say(message) {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

/** Writes in flight when the process forks: parent and child must both see the end of every one. */
function startWrites(fd, count) {
  const one = (i) =>
    new Promise((resolve, reject) => {
      write(fd, 'x', i, (error) => (error ? reject(error) : resolve()));
    });
  return Promise.all(Array.from({ length: count }, (_, i) => one(i)));
}

/**
 * Calls `act` after so many seconds, which returns what stops it. Seconds are counted, not measured: where the whole
 * machine stood still for a minute, as virtual ones do, nobody hangs.
 */
function deadman(seconds, act) {
  let left = seconds;
  const timer = setInterval(() => {
    if (--left > 0) return;
    clearInterval(timer);
    act();
  }, 1000).unref();
  return () => clearInterval(timer);
}

/** Shows where a child that does not end is, and all who belong to it; then ends it. */
function showHang(i, pid) {
  if (getpid() !== home) return; // the timer was copied into a child
  const text = [...family(pid), home].map(backtrace).join('\n');
  say({ failed: `child ${pid}, number ${i}, did not end in ${CHILD_SECONDS} s`, text });
  for (const each of family(pid)) process.kill(each, 'SIGKILL');
}

const never = () => new Promise(() => {});

/**
 * A child of another thread's has a copy of this one, which goes on where it was; but the child in question is a sibling
 * to it.
 */
async function statusOf(pid) {
  try {
    const [, status] = await waitpidAsync(pid);
    if (getpid() === home) return status;
  } catch (error) {
    if (getpid() === home) throw error;
  }
  return never();
}

/** Such a copy may also be about to fork: then what it makes ends at once, and it rests. */
async function forkAtHome(i, options) {
  if (getpid() === home) say({ forking: i });
  const pid = fork(options);
  if (pid === 0 && getppid() !== home) _exit(0);
  if (pid > 0 && getpid() !== home) return never();
  if (pid > 0) say({ forked: i });
  return pid;
}

/** Waits for the end of child `i`. True if it was as it should be. */
async function seeEnd(i, pid) {
  const stop = deadman(CHILD_SECONDS, () => showHang(i, pid));
  const status = await statusOf(pid);
  stop();
  if (status === expectedStatus(i)) return true;
  say({ failed: `child ${pid}, number ${i}: status ${status} instead of ${expectedStatus(i)}` });
  return false;
}

function busyMoment(i) {
  if (i % 7 === 0) collectGarbage();
  if (i % 3 === 0) runHotFunction(i);
}

/** The numbers from `first` in steps of `step`; answers how many ended as they should. */
async function forkMany({ first, step, count, together, brief, startWork }) {
  const alive = new Set();
  let good = 0;
  for (let i = first; i < count; i += step) {
    busyMoment(i);
    const atWork = startWork?.();
    const pid = await forkAtHome(i, { allowInFlight: atWork !== undefined });
    if (pid === 0) return live(i, { before: atWork, brief }); // what the parent waits for never comes in the child
    const end = seeEnd(i, pid).then((asExpected) => {
      if (asExpected) good++;
      alive.delete(end);
      say({ ended: i });
    });
    alive.add(end);
    await atWork;
    if (alive.size >= together) await Promise.race(alive);
  }
  await Promise.all(alive);
  return good;
}

async function forkInMainThread(count, { together, inFlight, brief }) {
  if (inFlight === undefined) return forkMany({ first: 0, step: 1, count, together, brief });
  const folder = mkdtempSync(join(tmpdir(), 'prefork-stress-'));
  const file = openSync(join(folder, 'written'), 'w');
  rmSync(folder, { recursive: true });
  const startWork = () => startWrites(file, inFlight);
  const good = await forkMany({ first: 0, step: 1, count, together, brief, startWork });
  closeSync(file);
  return good;
}

/** The main thread collects garbage while worker threads fork. Its copies in the children do nothing. */
function forkInWorkers(count, { together, brief }) {
  const THREADS = 3;
  const pressure = setInterval(() => {
    if (getpid() === home) busyMoment(21);
  }, 5);
  const threads = Array.from({ length: THREADS }, (_, first) => {
    const worker = new Worker(__filename, {
      workerData: { home, first, step: THREADS, count, together, brief },
    });
    return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
  });
  return Promise.all(threads).then((good) => {
    clearInterval(pressure);
    return good.reduce((sum, each) => sum + each, 0);
  });
}

function census() {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: liveThreads().length,
    megabytes: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
}

/** The thread pool, and whatever else is made once and stays. */
async function warmUp() {
  await readFile(__filename);
  await Promise.all(Array.from({ length: 8 }, () => readFile(__filename)));
  await new Promise((resolve) => new Worker('0', { eval: true }).on('exit', resolve));
  collectGarbage();
}

async function runProfile(name, count, brief) {
  const profile = { ...profiles[name], brief };
  await warmUp();
  const before = census();
  const busy = profile.workers.map((kind) => new Worker(join(__dirname, 'busy.js'), { workerData: kind }));
  for (const worker of busy) worker.unref();
  const good = await (profile.from === 'workers'
    ? forkInWorkers(count, profile)
    : forkInMainThread(count, profile));
  await Promise.all(busy.map((worker) => worker.terminate()));
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, 100)); // for libuv to close what is being closed
  say({ good, before, after: census() });
  process.exit();
}

if (isMainThread) {
  const [name, count, ...how] = process.argv.slice(2);
  runProfile(name, Number(count), how.includes('brief'));
} else {
  forkMany(workerData).then((good) => parentPort.postMessage(good));
}
