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

function kernelView(pid) {
  return readdirSync(`/proc/${pid}/task`).map((tid) => {
    const task = `/proc/${pid}/task/${tid}`;
    const [name, where, call] = ['comm', 'wchan', 'syscall'].map((file) => read(`${task}/${file}`));
    return `${tid} ${name}: ${stateOf(task)}, in ${where}, system call ${call}`;
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
