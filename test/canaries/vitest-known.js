// vitest 5's module runner asks once, at the first import of a module by another, what vitest's process knows of the modules of
// its file. It keeps what it is given, and looks there, by URL, each time before it asks for a module.
const assert = require('node:assert/strict');
const { canary } = require('./helpers/canary');
const { eachVitest } = require('./helpers/vitest-run');

canary(() =>
  eachVitest(async ({ major, runs, failed }) => {
    assert.equal(failed, 0);
    for (const { knownBy, said, file } of runs) {
      const printed = said.filter(({ m }) => m === 'onUserConsoleLog').map(({ a }) => a[0].content.trim());
      assert.deepEqual(knownBy, major < 5 ? [] : [['ssr', [file]]]);
      assert.deepEqual(printed, [major < 5 ? 'printed of its own' : 'printed /']);
    }
  }),
);
