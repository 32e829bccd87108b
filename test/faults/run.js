/**
 * `npm run test:faults -- [--seed S] [--minutes M] [--node PATH] [--only FAULT]…`
 *
 * A campaign against a process that forks in a loop, repeatable from its seed as far as other processes allow. After
 * each fault: the parent answers, has no more descriptors, threads or zombies than before, every child has either done
 * its work or is reported dead, and nobody is left over. Prints each fault as it comes, what was tried and what was
 * lost.
 *
 * PREFORK_MAY_SET_CLOCK=1 lets the clock jump, too: only on a machine that is there for this.
 */
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { parseArgs } = require('node:util');
const { backtrace, family } = require('../stress/backtrace');
const faults = require('./faults');

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    minutes: { type: 'string', default: '2' },
    node: { type: 'string', default: process.execPath },
    only: { type: 'string', multiple: true, default: Object.keys(faults) },
  },
});

const ANSWER_SECONDS = 120;
const FAULT_SECONDS = 120;
const LONGEST_FAULT = 1500;
const DESCRIPTORS_OF_SLACK = 2; // what libuv opens once, when it first needs it

/** mulberry32, by Tommy Ettinger */
function seededRandom(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function compileStubborn(folder) {
  const output = join(folder, 'stubborn.so');
  const source = join(__dirname, '..', 'fixtures', 'fork/stubborn.c');
  const flags = ['-O1', '-shared', '-fPIC', '-pthread', '-Wl,-z,nodelete'];
  execFileSync(process.env.CC ?? 'cc', [...flags, '-o', output, source], { stdio: 'inherit' });
  return output;
}

function startSubject() {
  const program = [values.node, join(__dirname, 'subject.js')];
  const [command, ...args] = process.geteuid() === 0 ? ['unshare', '--mount', ...program] : program;
  const subject = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  let stderr = '';
  subject.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  subject.on('error', () => {}); // of a channel to nobody: its end says more
  subject.died = new Promise((_, reject) => {
    subject.on('exit', async (code, signal) => {
      await Promise.race([once(subject, 'close'), pause(5000)]); // children may still hold its stderr
      reject(new Error(`the parent ended with ${code ?? signal}\n${stderr}`));
    });
  });
  subject.died.catch(() => {}); // every wait for the subject sees it
  return subject;
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

/** Processes alive in the subject's group, its children's too, except itself. */
function leftOvers(pid) {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === pid) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(group) === pid && state !== 'Z' && state !== 'X'; // an orphan's end is for process 1 to see
    } catch {
      return false;
    }
  });
}

/** What a killed child had started may take a moment to end. */
async function leftOversAfterAWhile(pid) {
  let left = leftOvers(pid);
  for (let i = 0; i < 100 && left.length > 0; i++) {
    await pause(50);
    left = leftOvers(pid);
  }
  return left;
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What a fault gets to work with. */
function opportunity({ subject, random, folder, library, expected, mountNamespace, total }) {
  const end = Date.now() + 200 + random() * LONGEST_FAULT;
  const isOver = () => Date.now() >= end;
  return {
    pid: subject.pid,
    random,
    folder,
    library,
    mountNamespace,
    pause,
    isOver,
    untilOver: () => pause(Math.max(0, end - Date.now())),
    tell: (message) => subject.send(message),
    note: (text) => {
      total.errors[text] = (total.errors[text] ?? 0) + 1;
    },
    expectThread: () => {
      expected.threads++;
      expected.descriptors++; // its FIFO
    },
    holds: (path) =>
      readdirSync(`/proc/${subject.pid}/fd`).some((fd) => {
        try {
          return readlinkSync(`/proc/${subject.pid}/fd/${fd}`) === path;
        } catch {
          return false;
        }
      }),
  };
}

/** What `promise` comes to; after too long, an error that shows where everybody is. */
async function within(seconds, what, subject, promise) {
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const everybody = family(subject.pid).map(backtrace).join('\n');
      reject(new Error(`${what} is not over after ${seconds} s\n${everybody}`));
    }, seconds * 1000);
  });
  try {
    return await Promise.race([promise, silence, subject.died]);
  } finally {
    clearTimeout(timer);
  }
}

async function ask(subject, what) {
  const answer = new Promise((resolve) => subject.once('message', resolve));
  subject.send(what);
  return within(ANSWER_SECONDS, `the answer to "${what}"`, subject, answer);
}

/** What there is more of than expected. */
async function excess(subject, expected) {
  const census = await ask(subject, 'count');
  return Object.keys(expected).flatMap((what) =>
    census[what] > expected[what] ? [`${census[what]} ${what} instead of ${expected[what]}`] : [],
  );
}

/** What is being closed, or has been told to end, may take a moment. */
async function excessAfterAWhile(subject, expected) {
  let problems = await excess(subject, expected);
  for (let i = 0; i < 100 && problems.length > 0; i++) {
    await pause(50);
    problems = await excess(subject, expected);
  }
  return problems;
}

function add(total, tally) {
  for (const [key, value] of Object.entries(tally)) total[key] = (total[key] ?? 0) + value;
}

async function main() {
  const seed = Number(values.seed);
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'prefork-faults-'));
  const library = compileStubborn(folder);
  const names = values.only.filter((name) => faults[name].possible?.() ?? true);
  const impossible = values.only.filter((name) => !names.includes(name));
  console.log(`seed ${seed}, ${values.minutes} minutes, ${values.node}`);
  if (impossible.length > 0) console.log(`not possible here: ${impossible.join('; ')}`);

  const subject = startSubject();
  process.on('exit', () => endGroup(subject.pid));
  await ask(subject, 'pause'); // which it answers once it runs
  subject.send('resume');
  await pause(500); // some forks, after which is open what is opened once
  await ask(subject, 'pause');
  const mountNamespace = `/proc/${subject.pid}/ns/mnt`; // with /proc hidden from it, nsenter could not go by its pid
  const first = await ask(subject, 'count');
  const expected = {
    threads: first.threads,
    descriptors: first.descriptors + DESCRIPTORS_OF_SLACK,
    children: 0,
  };
  const totals = new Map(
    names.map((name) => [name, { times: 0, forks: 0, good: 0, failedHonestly: 0, killed: {}, errors: {} }]),
  );
  const lost = [];
  const end = Date.now() + Number(values.minutes) * 60_000;
  const queue = [];

  async function apply(name) {
    subject.send('resume');
    await pause(random() * 100);
    console.log(`${new Date().toISOString()} ${name}`);
    const total = totals.get(name);
    const chance = opportunity({ subject, random, folder, library, expected, mountNamespace, total });
    await within(FAULT_SECONDS, name, subject, faults[name].apply(chance));
    for (const pid of family(subject.pid)) {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // gone
      }
    }
    const account = await ask(subject, 'pause');
    total.times++;
    for (const key of ['forks', 'good', 'failedHonestly']) total[key] += account[key];
    add(total.killed, account.killed);
    add(total.errors, account.errors);
    const problems = [...account.lost, ...(await excessAfterAWhile(subject, expected))];
    const left = await leftOversAfterAWhile(subject.pid);
    if (left.length > 0) problems.push(`left over: ${left}`);
    lost.push(...problems.map((problem) => `after ${name}: ${problem}`));
  }

  while (Date.now() < end && lost.length === 0) {
    if (queue.length === 0)
      queue.push(
        ...names
          .map((name) => [random(), name])
          .sort()
          .map(([, name]) => name),
      );
    const name = queue.pop();
    await apply(name).catch((error) => lost.push(`in ${name}: ${error.stack}`));
  }
  for (const [name, total] of totals) {
    const { times, forks, good, failedHonestly, killed, errors } = total;
    const rest = [
      failedHonestly > 0 ? `${failedHonestly} failed honestly` : '',
      ...Object.entries(killed).map(([signal, count]) => `${count} killed by signal ${signal}`),
      ...Object.entries(errors).map(([code, count]) => `${count} ${code}`),
    ].filter(Boolean);
    console.log(
      `${name.padEnd(38)} ${times} times: ${forks} forks, ${good} good${rest.map((r) => `, ${r}`).join('')}`,
    );
  }
  if ([...totals.values()].every(({ good }) => good === 0)) lost.push('every child: none has done its work');
  console.log(lost.length === 0 ? 'lost: nothing' : `lost:\n${lost.join('\n')}`);
  if (subject.connected) subject.disconnect();
  rmSync(folder, { recursive: true });
  process.exitCode = lost.length === 0 ? 0 : 1;
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
