// V8 writes a stack as `at function (file:line:column)`: the place of a log line, and of what was opened.
const assert = require('node:assert/strict');
const { canary, run, ROOT } = require('./helpers/canary');

canary(async () => {
  const log = JSON.stringify(`${ROOT}/dist/log.js`);
  const { text } = await run(`
    const { enablePrettyLogging, genLog } = require(${log});
    enablePrettyLogging();
    genLog.warn('at the top');
    (function inside() { genLog.warn('in a function'); })();
    Promise.resolve().then(async () => genLog.warn('in a promise'));
  `);
  const places = text
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\[W \d+ [\d:]+ (.*?)\] /, '$1 '));
  assert.deepEqual(places, ['program:4 at the top', 'program:5 in a function', 'program:6 in a promise']);
});
