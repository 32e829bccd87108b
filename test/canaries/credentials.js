// `process.setuid`, `setgid` and so on can be replaced, also for modules that import them by name.
const assert = require('node:assert/strict');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const names = ['setuid', 'seteuid', 'setgid', 'setegid', 'setgroups', 'initgroups'];
  const before = names.map((name) => process[name]);
  load();
  const imported = await import('node:process');
  names.forEach((name, i) => {
    assert.notEqual(process[name], before[i], `process.${name} was not replaced`);
    assert.equal(imported[name], process[name], `${name} is another one when it is imported`);
  });
});
