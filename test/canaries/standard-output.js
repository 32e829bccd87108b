// A child of a template has other standard streams than the template, under the same numbers; the objects are the template's.
// And it runs a file as Node would.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { text } = require('node:stream/consumers');
const { canary } = require('./helpers/canary');

const PROGRAM = `
  const { closeSync, readFileSync } = require('node:fs');
  const { dup2, socketpair } = require(${JSON.stringify(join(__dirname, '..', '..', 'dist', 'index.js'))});
  const { Socket } = require('node:net');
  process.stdout.write('to the first, ');
  const [here, there] = socketpair();
  const second = new Socket({ fd: here }).setEncoding('utf8');
  dup2(there, 1);
  closeSync(there);
  second.on('data', (data) => process.stderr.write('second: ' + data));
  process.argv = [process.execPath, process.argv.at(-1)];
  setImmediate(require('node:module').Module.runMain);
`;

canary(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-canary-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const file = join(folder, 'main.js');
  writeFileSync(file, 'console.log(require.main === module); setImmediate(() => process.exit());');
  const child = spawn(process.execPath, ['-e', PROGRAM, file], { stdio: 'pipe' });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.deepEqual([stdout, stderr], ['to the first, ', 'second: true\n']);
});
