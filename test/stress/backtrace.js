/** What every thread of a process is doing: gdb's word, or the kernel's where there is no gdb. */
const { spawnSync } = require('node:child_process');
const { readdirSync, readFileSync } = require('node:fs');

function read(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    return error.code;
  }
}

const GDB_SECONDS = 30;

function stateOf(task) {
  return /^State:\s*(.*)$/m.exec(read(`${task}/status`))?.[1];
}

const SAMPLE_MILLISECONDS = 200;

function pause(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Milliseconds on a processor so far (Documentation/scheduler/sched-stats, /proc/<pid>/schedstat). */
function timeOf(task) {
  return Number(read(`${task}/schedstat`).split(' ')[0]) / 1e6;
}

/** A thread that could run (R) all the time, and has hardly run, waits for a processor: the machine is slow, and not we. */
function kernelView(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}`);
  const before = new Map(tasks.map((task) => [task, { state: stateOf(task), time: timeOf(task) }]));
  pause(SAMPLE_MILLISECONDS);
  return tasks.map((task) => {
    const [name, where, call] = ['comm', 'wchan', 'syscall'].map((file) => read(`${task}/${file}`));
    const { state, time } = before.get(task);
    const ran = `ran ${(timeOf(task) - time).toFixed()} of ${SAMPLE_MILLISECONDS} ms`;
    return `${task.split('/').at(-1)} ${name}: ${state}, then ${stateOf(task)}, ${ran}, in ${where}, system call ${call}`;
  });
}

/** gdb never gives up on a process that it cannot stop, and ignores SIGTERM meanwhile. */
function backtrace(pid) {
  const gdb = spawnSync('gdb', ['-p', String(pid), '-batch', '-ex', 'thread apply all bt 30'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: GDB_SECONDS * 1000,
    killSignal: 'SIGKILL',
  });
  let kernel = [];
  try {
    kernel = kernelView(pid);
  } catch {
    return `process ${pid} is gone`;
  }
  return [`=== process ${pid}`, ...kernel, gdb.stdout ?? `(no gdb: ${gdb.error?.code})`].join('\n');
}

function parentOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** A process and all that descend from it. */
function family(pid) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(all.map((name) => [Number(name), parentOf(name)]));
  const found = [pid];
  for (const each of found) {
    for (const [child, parent] of parents) if (parent === each) found.push(child);
  }
  return found;
}

module.exports = { backtrace, family };
