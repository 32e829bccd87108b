// `npm run test:canaries -- [--node=/path/to/node] [canary…]`: whether what this package takes for granted of the inside of
// Node, V8, libuv, the C library, the kernel and npm (docs/internals.md) is so with this Node. Nothing is built for it.
//
// Prints a line for each row of the page. The status is 1 if one does not hold.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { FOLDER, rows } from './helpers/rows.js';

const DEADMAN = 120_000;

const args = process.argv.slice(2);
const node = args.find((arg) => arg.startsWith('--node='))?.slice('--node='.length) ?? process.execPath;
const names = args.filter((arg) => !arg.startsWith('--'));
const unknown = names.filter((name) => !rows.some((row) => row.name === name));
if (unknown.length > 0) throw new Error(`docs/internals.md has no canary ${unknown.join(', ')}`);

/** In a process group of its own, of which nothing is left afterwards. */
function run(name) {
  const child = spawn(node, [join(FOLDER, `${name}.js`)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (data) => {
      output += data;
    });
  }
  const killGroup = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup();
    }, DEADMAN);
    child.on('error', reject);
    child.on('exit', (status, signal) => {
      clearTimeout(timer);
      killGroup();
      const end = late ? `killed after ${DEADMAN / 1000} s` : `ended by ${signal ?? `status ${status}`}`;
      child.on('close', () => resolve({ passed: status === 0, end, output }));
    });
  });
}

/** The first word of the page's cell. */
function howItFails(fails) {
  return /^\w+/.exec(fails)?.[0] ?? '';
}

function verdict({ passed, end, output }) {
  const [, why] = /^skipped: (.*)$/m.exec(output) ?? [];
  if (!passed) return ['FAILED', `${end}\n${output.trimEnd().replace(/^/gm, '          ')}`];
  return why === undefined ? ['holds', ''] : ['skipped', why];
}

const { stdout, error } = spawnSync(node, ['-p', 'JSON.stringify(process.versions)'], { encoding: 'utf8' });
if (error !== undefined) throw error;
const { node: version, v8, uv } = JSON.parse(stdout);
console.log(`Node ${version}, V8 ${v8}, libuv ${uv}: ${node}\n`);

const chosen = names.length === 0 ? rows : rows.filter(({ name }) => names.includes(name));
const counts = { holds: 0, skipped: 0, FAILED: 0 };
for (const { name, what, fails } of chosen) {
  const [result, note] = verdict(await run(name));
  counts[result] += 1;
  console.log(
    `${result.padEnd(9)}${name.padEnd(23)}${howItFails(fails).padEnd(11)}${what.replaceAll('`', '')}`,
  );
  if (note !== '') console.log(`         ${note}`);
}
console.log(`\n${counts.holds} hold, ${counts.skipped} skipped, ${counts.FAILED} failed`);
process.exitCode = counts.FAILED > 0 ? 1 : 0;
