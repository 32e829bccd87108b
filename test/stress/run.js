/**
 * `npm run test:stress -- [forks] [--node <path>] [--profile <name>] [--brief]`
 *
 * Forks back to back while every other thread is busy, and checks each child's status. Prints one line per profile, and
 * before it, for every fork() that takes more than a second and for everything that hangs, a backtrace of all its threads at
 * that moment. Fails if a child or parent ends in any other way than it should, writes to stderr, or leaves descriptors,
 * threads or memory behind. A slow fork is no failure: the machine may have been busy.
 *
 * With --brief only one child of ten does all that a child must be able to do: for very many forks.
 */
const { spawn } = require('node:child_process');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { parseArgs } = require('node:util');
const { backtrace, family } = require('./backtrace');
const profiles = require('./profiles');

const SILENCE_SECONDS = Number(process.env.STRESS_SILENCE_SECONDS ?? 90);
const MEGABYTES_OF_SLACK = 400; // what the busy threads leave behind without any fork; growth.js looks closer

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string', default: process.execPath },
    brief: { type: 'boolean', default: false },
    profile: { type: 'string', multiple: true, default: Object.keys(profiles) },
  },
});
const total = Number(positionals[0] ?? 1000);

function collect(stream) {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  return () => text;
}

/** Calls `onSilence` once if nothing is heard for too long. Seconds are counted, as in family.js. */
function watchdog(onSilence) {
  let left = SILENCE_SECONDS;
  const timer = setInterval(() => {
    if (--left === 0) onSilence();
  }, 1000);
  const heard = () => {
    left = SILENCE_SECONDS;
  };
  return { heard, stop: () => clearInterval(timer) };
}

/** Calls `onSlow` with each fork that takes more than a second. Tenths of seconds are counted, as in family.js. */
function stopwatch(onSlow) {
  const left = new Map();
  const timer = setInterval(() => {
    for (const [i, tenths] of left) {
      left.set(i, tenths - 1);
      if (tenths === 1) onSlow(i);
    }
  }, 100);
  return {
    begin: (i) => left.set(i, 10),
    end: (i) => left.delete(i),
    stop: () => clearInterval(timer),
  };
}

/** A worker thread that is terminated between opening a file and closing it leaves it open. */
function leftovers({ before, after }, { workers }) {
  const problems = [];
  const slack = { descriptors: workers.length, threads: 0 };
  for (const what of ['descriptors', 'threads']) {
    if (after[what] > before[what] + slack[what]) {
      problems.push(`${what} grew from ${before[what]} to ${after[what]}`);
    }
  }
  if (after.megabytes > before.megabytes + MEGABYTES_OF_SLACK) {
    problems.push(`memory grew from ${before.megabytes} to ${after.megabytes} MB`);
  }
  return problems;
}

function runFamily(name, count) {
  const how = values.brief ? ['brief'] : [];
  const program = spawn(values.node, [join(__dirname, 'family.js'), name, String(count), ...how], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr = collect(program.stderr);
  const problems = [];
  let result;
  const dog = watchdog(() => {
    problems.push(`silent for ${SILENCE_SECONDS} s`, ...family(program.pid).map(backtrace));
    process.kill(-program.pid, 'SIGKILL');
  });
  const watch = stopwatch((i) => {
    console.log(`fork() number ${i} of ${name} takes more than a second`);
    for (const pid of family(program.pid)) console.log(backtrace(pid));
  });
  createInterface(program.stdout).on('line', (line) => {
    dog.heard();
    const message = JSON.parse(line);
    if (message.forking !== undefined) watch.begin(message.forking);
    if (message.forked !== undefined) watch.end(message.forked);
    if (message.failed !== undefined) problems.push(message.failed, message.text ?? '');
    if (message.good !== undefined) result = message;
  });
  return new Promise((resolve) => {
    program.on('close', (code, signal) => {
      dog.stop();
      watch.stop();
      if (stderr() !== '') problems.push(`stderr: ${stderr()}`);
      if (code !== 0) problems.push(`the parent ended with ${code ?? signal}`);
      if (result !== undefined) problems.push(...leftovers(result, profiles[name]));
      resolve({ good: result?.good ?? 0, problems });
    });
  });
}

async function main() {
  const whole = values.profile.reduce((sum, name) => sum + profiles[name].share, 0);
  let failed = 0;
  let forks = 0;
  for (const name of values.profile) {
    const count = Math.max(1, Math.round((total * profiles[name].share) / whole));
    const start = Date.now();
    const { good, problems } = await runFamily(name, count);
    const perFork = ((Date.now() - start) / count).toFixed(0);
    console.log(`${name.padEnd(16)} ${String(good).padStart(6)} of ${count}, ${perFork} ms each`);
    for (const line of problems) console.log(line);
    forks += count;
    failed += Math.max(count - good, problems.length > 0 ? 1 : 0);
  }
  const used = `in ${Math.round(process.uptime())} s with ${values.node}`;
  console.log(failed === 0 ? `${forks} of ${forks} ${used}` : `${failed} failures in ${forks} forks ${used}`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
