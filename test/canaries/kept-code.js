// What V8 has compiled before a fork it does not compile again in the child: a server's code, after warmup().
const assert = require('node:assert/strict');
const { canary, ROOT, Running } = require('./helpers/canary');

const BYTES_FOR_A_SERVER = 1000;

canary(async () => {
  const { text } = await new Running([`${ROOT}/test/fixtures/warmup/serves.js`, 'warm']).ended;
  const { compiled } = JSON.parse(text);
  assert(compiled < BYTES_FOR_A_SERVER, `the child compiles ${compiled} bytes`);
});
