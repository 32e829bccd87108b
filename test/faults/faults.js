/** Faults around a process that forks: each applies one for a moment and removes it again. */
const { execFile, execFileSync } = require('node:child_process');
const {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} = require('node:fs');
const { join } = require('node:path');
const { promisify } = require('node:util');

const TOOL_SECONDS = 30;
const run = (command, args) =>
  promisify(execFile)(command, args, { timeout: TOOL_SECONDS * 1000, killSignal: 'SIGKILL' });
const isRoot = process.geteuid() === 0;
const has = (command) => {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // gone already
  }
}

/** Signals to children at random moments: some right when they appear, in the middle of the fork. */
async function signalChildren(t, ...signals) {
  const seen = new Set();
  while (!t.isOver()) {
    for (const pid of childrenOf(t.pid)) {
      if (seen.has(pid) && t.random() < 0.8) continue;
      seen.add(pid);
      if (t.random() < 0.5) await t.pause(t.random() * 5);
      for (const signal of signals) {
        send(pid, signal);
        if (signals.length > 1) await t.pause(t.random() * 30);
      }
    }
    await t.pause(0);
  }
}

async function signalParent(t, ...signals) {
  while (!t.isOver()) {
    await t.pause(t.random() * 20);
    for (const signal of signals) {
      send(t.pid, signal);
      await t.pause(t.random() * 50);
    }
  }
}

async function limit(t, name, value) {
  const whole = readFileSync(`/proc/${t.pid}/limits`, 'utf8');
  const [, soft] = new RegExp(`^${t.limitName} +(\\S+)`, 'm').exec(whole);
  await run('prlimit', ['--pid', String(t.pid), `--${name}=${value}:`]);
  try {
    await t.untilOver();
  } finally {
    await run('prlimit', ['--pid', String(t.pid), `--${name}=${soft}:`]);
  }
}

const kilobytes = (pid, name) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

// --- a full pids cgroup

const PIDS = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((folder) =>
  existsSync(join(folder, 'cgroup.procs')),
);

function makeGroup() {
  const folder = join(PIDS, `prefork-faults-${process.pid}`);
  mkdirSync(folder);
  if (!existsSync(join(folder, 'pids.max'))) {
    rmdirSync(folder);
    throw new Error('no pids controller');
  }
  return folder;
}

function canMakeGroup() {
  try {
    rmdirSync(makeGroup());
    return true;
  } catch {
    return false;
  }
}

/** Threads in the middle of ending keep it busy, though their process is listed no longer. */
async function removeGroup(t, folder, attempts = 1000) {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (attempts === 0 || error.code !== 'EBUSY') throw error;
    await t.pause(20);
    await removeGroup(t, folder, attempts - 1);
  }
}

/** First no process at all, then one more thread at a time, so that the child gets some of its threads. */
async function fillPids(t) {
  const folder = makeGroup();
  const old = readFileSync(`/proc/${t.pid}/cgroup`, 'utf8');
  const [, path] = /^(?:\d+:pids:|0::)(.*)$/m.exec(old);
  writeFileSync(join(folder, 'cgroup.procs'), String(t.pid));
  while (!t.isOver()) {
    const spare = Math.floor(t.random() * 20);
    const current = Number(readFileSync(join(folder, 'pids.current'), 'utf8'));
    writeFileSync(join(folder, 'pids.max'), String(current + spare));
    await t.pause(20);
  }
  writeFileSync(join(folder, 'pids.max'), 'max');
  writeFileSync(join(PIDS, path, 'cgroup.procs'), String(t.pid));
  await removeGroup(t, folder);
}

// --- others

/** The subject may be looking into the empty one right now, which keeps it busy for a moment. */
async function showProc(t, attempts = 250) {
  try {
    await run('nsenter', [`--mount=${t.mountNamespace}`, 'umount', '/proc']);
  } catch (error) {
    if (attempts === 0 || !error.stderr.includes('busy')) throw error;
    await t.pause(20);
    await showProc(t, attempts - 1);
  }
}

async function hideProc(t) {
  const inside = (...command) => run('nsenter', ['--target', String(t.pid), '--mount', ...command]);
  await inside('mount', '-t', 'tmpfs', 'none', '/proc');
  try {
    await t.untilOver();
  } finally {
    await showProc(t);
  }
}

let copies = 0;
async function blockThread(t) {
  const library = join(t.folder, `stubborn-${copies}.so`);
  const fifo = join(t.folder, `fifo-${copies++}`);
  copyFileSync(t.library, library); // a library that is loaded already does not start another thread
  execFileSync('mkfifo', [fifo]);
  t.tell({ library, fifo });
  await t.untilOver();
  if (t.random() < 0.3) await t.pause(6000); // longer than fork() has patience
  for (let i = 0; i < 500 && !t.holds(fifo); i++) await t.pause(20);
  const pipe = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK); // fails if the thread was never there
  writeSync(pipe, 'x'.repeat(100)); // for copies of the thread in children, too
  closeSync(pipe);
  t.expectThread();
}

/** A small disk, on which the subject and its children write more than it holds. */
async function fillDisk(t) {
  const disk = join(t.folder, 'disk');
  mkdirSync(disk, { recursive: true });
  const mount = ['mount', '-t', 'tmpfs', '-o', 'size=256k', 'none', disk];
  await run('nsenter', ['--target', String(t.pid), '--mount', ...mount]);
  t.tell({ disk });
  try {
    await t.untilOver();
  } finally {
    t.tell({ disk: null });
    // Lazily: children may still have files there.
    await run('nsenter', ['--target', String(t.pid), '--mount', 'umount', '--lazy', disk]);
  }
}

const setClock = (milliseconds) => run('date', ['--set', `@${milliseconds / 1000}`]);

/** There and back, by up to a day each time; the campaign's own waits are by the clock that does not jump. */
async function jumpClock(t) {
  const [wall, monotonic] = [Date.now(), performance.now()];
  const rightTime = () => wall + performance.now() - monotonic;
  try {
    for (let i = 0; i < 5; i++) {
      await setClock(rightTime() + (t.random() - 0.5) * 2 * 86_400_000);
      await t.pause(t.random() * 300);
    }
  } finally {
    await setClock(rightTime());
  }
}

async function attachDebugger(t) {
  while (!t.isOver()) {
    const [child] = childrenOf(t.pid);
    const target = t.random() < 0.3 && child !== undefined ? child : t.pid;
    const seconds = (t.random() * 0.3).toFixed(2);
    const commands = ['-ex', `shell sleep ${seconds}`, '-ex', 'detach'];
    await run('gdb', ['-p', String(target), '-batch', ...commands]).catch((error) => {
      if (error.killed) t.note('gdb that had to be killed');
    });
    await t.pause(t.random() * 100);
  }
}

async function trace(t) {
  const tracer = execFile('strace', ['-f', '-o', '/dev/null', '-p', String(t.pid)], () => {});
  const end = new Promise((resolve) => tracer.on('close', resolve));
  await t.untilOver();
  // It has been seen waiting endlessly for one of its threads, while all of them ran. Then the kernel releases them.
  const deadman = setTimeout(() => {
    t.note('strace that had to be killed');
    tracer.kill('SIGKILL');
  }, TOOL_SECONDS * 1000);
  tracer.kill('SIGINT');
  await end;
  clearTimeout(deadman);
}

module.exports = {
  'SIGKILL to children': { apply: (t) => signalChildren(t, 'SIGKILL') },
  'SIGTERM to children': { apply: (t) => signalChildren(t, 'SIGTERM') },
  'SIGSTOP and SIGCONT to children': { apply: (t) => signalChildren(t, 'SIGSTOP', 'SIGCONT') },
  'SIGSTOP and SIGCONT to the parent': { apply: (t) => signalParent(t, 'SIGSTOP', 'SIGCONT') },
  'SIGTERM to the parent, which listens': { apply: (t) => signalParent(t, 'SIGTERM') },
  'no descriptor': {
    apply: (t) => {
      t.limitName = 'Max open files';
      const open = readdirSync(`/proc/${t.pid}/fd`).length;
      return limit(t, 'nofile', open + Math.floor(t.random() * 6));
    },
  },
  'little memory': {
    apply: (t) => {
      t.limitName = 'Max address space';
      return limit(t, 'as', (kilobytes(t.pid, 'VmSize') + 32_768) * 1024);
    },
  },
  'full pids limit': { possible: () => isRoot && PIDS !== undefined && canMakeGroup(), apply: fillPids },
  'no /proc': { possible: () => isRoot, apply: hideProc },
  'a full disk': { possible: () => isRoot, apply: fillDisk },
  // It is one for the whole machine, so only on one that is there for this.
  'a clock jump': { possible: () => isRoot && process.env.PREFORK_MAY_SET_CLOCK === '1', apply: jumpClock },
  'a thread in an uninterruptible call': { apply: blockThread },
  'a debugger': { possible: () => has('gdb'), apply: attachDebugger },
  'a tracer': { possible: () => has('strace'), apply: trace },
  'nothing at all': { apply: (t) => t.untilOver() },
};
