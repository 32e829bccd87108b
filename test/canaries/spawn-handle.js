// node:test's runner starts each test file by the prototype's spawn(), and hears of the process through its handle alone: a
// handle that starts nothing, opens its pipes itself and says how "the process" has ended is taken for one that does.
const assert = require('node:assert/strict');
const { ChildProcess } = require('node:child_process');
const { closeSync, mkdtempSync, rmSync, writeFileSync, writeSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { run } = require('node:test');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { socketpair } = load();
  const folder = mkdtempSync(join(tmpdir(), 'prefork-canary-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.test.js');
  writeFileSync(file, '');
  const { spawn } = ChildProcess.prototype;
  let options;
  ChildProcess.prototype.spawn = function (given) {
    options = given;
    const handle = this._handle;
    handle.spawn = () => {
      const ends = options.stdio.map((stream) => {
        const [here, there] = socketpair();
        assert.equal(stream.handle.open(here), 0);
        return there;
      });
      setImmediate(() => {
        writeSync(ends[1], 'written by nobody\n');
        for (const end of ends) closeSync(end);
        handle.onexit(0, 'SIGKILL');
      });
      return 0;
    };
    return spawn.call(this, given);
  };
  const seen = [];
  const stream = run({ files: [file] });
  stream.on('test:stdout', ({ message }) => seen.push(message));
  stream.on('test:fail', ({ details }) => seen.push(details.error.signal));
  stream.resume();
  await new Promise((resolve) => stream.once('close', resolve));
  assert.deepEqual(seen, ['written by nobody\n', 'SIGKILL']);
  assert.equal(options.file, process.execPath);
  assert.equal(options.args.at(-1), file);
  assert.ok(options.envPairs.includes('NODE_TEST_CONTEXT=child-v8'));
});
