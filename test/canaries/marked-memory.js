// V8 marks its heap to be left out of forks, in whole mappings of anonymous memory: children have all of it all the same,
// and in parent and child it is marked as before.
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { canary, inChild, load } = require('./helpers/canary');

const MB = 2 ** 20;

/** Bytes of mappings that have the flag `dc`: do not copy. */
function marked() {
  return readFileSync('/proc/self/smaps', 'latin1')
    .split(/^(?=[\da-f]+-[\da-f]+ )/m)
    .filter((mapping) => /^VmFlags:.* dc\b/m.test(mapping))
    .reduce((sum, mapping) => sum + Number(/^Size: +(\d+) kB/m.exec(mapping)[1]) * 1024, 0);
}

canary(async () => {
  load();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const kept = Array.from({ length: 500_000 }, (_, i) => ({ i, text: `text ${i}` }));
  const before = marked();
  assert(before > 20 * MB, `only ${before} bytes are marked`);
  for (let i = 0; i < 3; i++) {
    await inChild(() => {
      collect();
      assert.equal(
        kept.reduce((sum, { i }) => sum + i, 0),
        (500_000 * 499_999) / 2,
      );
      assert(marked() > before / 2, `in the child ${marked()} of ${before} bytes are marked`);
      assert.equal(spawnSync(process.execPath, ['-p', '1+1']).stdout.toString(), '2\n');
    });
    assert(marked() > before * 0.9, `${marked()} of ${before} bytes are marked`);
    collect();
  }
});
