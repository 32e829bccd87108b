/**
 * `growth.js [forks]`: forks 10,000 times, and measures the parent after a tenth of them and at the end. Fails if it
 * has grown.
 */
const { readFileSync, readdirSync } = require('node:fs');
const { Worker } = require('node:worker_threads');
const { _exit, fork, waitpid, waitpidAsync } = require('../..');
const { collectGarbage } = require('./child');

const forks = Number(process.argv[2] ?? 10_000);
const SLACK = { megabytes: 8, mappings: 40, virtualMegabytes: 64 };

const count = (folder) => readdirSync(`/proc/self/${folder}`).length;
const kilobytes = (name) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]);

function children() {
  const pid = process.pid;
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).length;
}

function measure() {
  collectGarbage();
  return {
    megabytes: Math.round(kilobytes('VmRSS') / 1024),
    virtualMegabytes: Math.round(kilobytes('VmSize') / 1024),
    mappings: readFileSync('/proc/self/maps', 'utf8').split('\n').length,
    descriptors: count('fd'),
    threads: count('task'),
    children: children(),
  };
}

/** Half of the children are waited for in either way. */
async function forkOnce(i) {
  const pid = fork();
  if (pid === 0) _exit(i % 256);
  const [, status] = i % 2 === 0 ? waitpid(pid) : await waitpidAsync(pid);
  if (status !== (i % 256) << 8) throw new Error(`child ${pid}, number ${i}: status ${status}`);
}

async function main() {
  const worker = new Worker('setInterval(() => {}, 1)', { eval: true });
  let early;
  for (let i = 1; i <= forks; i++) {
    await forkOnce(i);
    if (i % Math.ceil(forks / 10) !== 0) continue;
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = measure();
    console.log(String(i).padStart(6), JSON.stringify(now));
    early ??= now;
    const grown = Object.keys(now).filter((what) => now[what] > early[what] + (SLACK[what] ?? 0));
    if (grown.length > 0) throw new Error(`grown: ${grown.join(', ')}`);
  }
  await worker.terminate();
}

main();
