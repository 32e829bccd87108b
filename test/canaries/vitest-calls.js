// Between vitest's process and its workers go calls (`t` is 'q', with a method `m`) and answers ('s'), which have the same
// number `i`; and a worker says by other messages what it has done. What is under way before a file asks for modules alone.
const assert = require('node:assert/strict');
const { canary } = require('./helpers/canary');
const { eachVitest } = require('./helpers/vitest-run');

canary(() =>
  eachVitest(async ({ runs, failed }) => {
    assert.equal(failed, 0);
    for (const { heard, said, prepared, preparedBy } of runs) {
      const calls = said.filter(({ t }) => t === 'q');
      const names = calls.map(({ m }) => m);
      for (const name of ['fetch', 'onCollected', 'onTaskUpdate', 'onUserConsoleLog'])
        assert.ok(names.includes(name), name);
      const answers = heard.filter(({ t }) => t === 's').map(({ i }) => i);
      const asked = calls.filter(({ i }) => i !== undefined).map(({ i }) => i);
      assert.deepEqual(
        asked.filter((i) => !answers.includes(i)),
        [],
      );
      const done = said
        .filter((message) => message.__vitest_worker_response__)
        .map(({ type, error }) => [type, error]);
      assert.deepEqual(done, [
        ['testfileFinished', undefined],
        ['stopped', undefined],
      ]);
      assert.equal(prepared.response.type, 'testfileFinished');
      assert.equal(preparedBy[0].type, 'started');
      for (const { t, m } of preparedBy.slice(1)) assert.ok(t === 'q' && ['fetch', 'resolve'].includes(m), m);
    }
  }),
);
