// pino's packages: thread-stream leaves itself on its thread, and on-exit-leak-free has a list of what is to be flushed.
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { canary, file, load, ROOT, skip } = require('./helpers/canary');

function findPino() {
  try {
    return createRequire(`${ROOT}/`)('pino');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    return skip('pino is not installed');
  }
}

canary(async () => {
  if (!process.features.inspector) skip('this Node has no inspector');
  const { flushGathered } = load('manager/template/unwritten');
  const pino = findPino();
  const [gathered, given] = [file('', 'gathered.log'), file('', 'given.log')];
  const destination = pino.destination({ dest: gathered, sync: false, minLength: 4096 });
  await new Promise((resolve) => destination.once('ready', resolve));
  pino(destination).info('a line');
  pino(pino.transport({ target: 'pino/file', options: { destination: given } })).info('a line');
  flushGathered();
  assert.match(readFileSync(gathered, 'utf8'), /a line/);
  assert.match(readFileSync(given, 'utf8'), /a line/);
});
