// Node and libuv write to standard output and error by the executable's own table of calls: write(2), writev(2), and fwrite(3) for
// what ends the process. The stream of a terminal has another descriptor, in `_handle.fd`.
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { writeSync } = require('node:fs');
const { canary, load } = require('./helpers/canary');

const WRITTEN =
  /^label console 0\n(.*\n)*label corked stream\n(.*\n)*label node:fs\n(.*\n)*label Error: the end$/m;

function write() {
  const { binding } = load('base/binding');
  const terminals = [process.stdout, process.stderr].map(({ isTTY, _handle }) => (isTTY ? _handle.fd : -1));
  const result = binding.output_label_lines('label ', '', Int32Array.from(terminals));
  console.log(`console ${result}`);
  process.stdout.cork();
  process.stdout.write('corked ');
  process.stdout.write('stream\n');
  process.stdout.uncork();
  writeSync(1, 'node:fs\n');
  setImmediate(() => {
    throw new Error('the end');
  });
}

function look() {
  const program = `'${process.execPath}' '${__filename}' write`;
  for (const [command, ...args] of [
    [process.execPath, __filename, 'write'],
    ['sh', '-c', `${program} 2>&1 | cat`],
    ['script', '-qec', program, '/dev/null'],
  ]) {
    const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    assert.match((stdout + stderr).replaceAll('\r', ''), WRITTEN);
  }
}

if (process.argv[2] === 'write') write();
else canary(look);
