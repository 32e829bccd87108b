// getColorDepth() of a terminal's stream can be asked of its prototype, without opening one.
const assert = require('node:assert/strict');
const { WriteStream } = require('node:tty');
const { canary } = require('./helpers/canary');

canary(() => {
  const depth = (env) => WriteStream.prototype.getColorDepth.call(WriteStream.prototype, env);
  assert.equal(depth({ TERM: 'dumb' }), 1);
  assert.equal(depth({ TERM: 'xterm-256color' }), 8);
});
