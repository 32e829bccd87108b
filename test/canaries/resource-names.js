// process.getActiveResourcesInfo() has these names for timers and standard streams,.
const assert = require('node:assert/strict');
const { canary, run } = require('./helpers/canary');

canary(async () => {
  const { text } = await run(`
    console.log('standard output is open');
    setTimeout(() => {}, 1e6);
    setImmediate(() => {});
    console.log(JSON.stringify(process.getActiveResourcesInfo().sort()));
    process.exit();
  `);
  const names = new Set(JSON.parse(text.split('\n')[1])); // standard error may be open, too
  assert.deepEqual([...names], ['Immediate', 'PipeWrap', 'Timeout']);
});
