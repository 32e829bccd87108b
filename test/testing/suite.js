// The tests that docs/testing.md shows, for any runner: `header` is what it needs first, and defines `test`.
exports.suite = (header, prefork) => `
${header}
const assert = require('node:assert/strict');
const { _exit, fork, forkSync, kill, waitpid, waitpidAsync } = require(${JSON.stringify(prefork)});

test('a value, an error and the output come back', () => {
  const { value, stdout, status } = forkSync(() => {
    console.log('printed by the child');
    return 6 * 7;
  });
  assert.deepEqual({ value, stdout, status }, { value: 42, stdout: 'printed by the child\\n', status: 0 });
  assert.throws(() => throwing(() => assert.equal(1, 2)), { name: 'AssertionError' });
});

test('what fails in the child fails the test', () => {
  throwing(() => assert.equal(1, 2));
});

test('process.exit() ends the child alone', () => {
  assert.equal(forkSync(() => process.exit(7)).status, 7);
});

test('a child of fork() that leaves by _exit() reports nothing', () => {
  const pid = fork();
  if (pid === 0) {
    let status = 1;
    try {
      assert.equal(2, 2);
      status = 0;
    } finally {
      _exit(status);
    }
  }
  assert.deepEqual(waitpid(pid), [pid, 0]);
});

test('a wait that has an end', async () => {
  const pid = fork();
  if (pid === 0) for (;;);
  await assert.rejects(waitpidAsync(pid, { signal: AbortSignal.timeout(50) }), { name: 'AbortError' });
  kill(pid, 'SIGKILL');
  assert.deepEqual(await waitpidAsync(pid), [pid, 9]);
  assert.equal(forkSync(() => { for (;;); }, { timeout: 50 }).signal, 'SIGKILL');
});

function throwing(work) {
  const { error } = forkSync(work);
  if (error !== undefined) throw error;
}
`;
