// libuv sets what is done about a signal when the first of its handles listens and when the last one stops, and not in
// between: the manager's action stays, even if a listener is attached or removed.
const assert = require('node:assert/strict');
const { setTimeout } = require('node:timers/promises');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { holdSignals, releaseSignals } = load('manager/worker/held-signals');
  const heard = [];
  const held = new Promise((resolve) => {
    holdSignals(['SIGUSR2'], (signal) => {
      heard.push(['manager', signal]);
      resolve();
    });
  });
  const listener = (signal) => heard.push(['application', signal]);
  process.on('SIGUSR2', listener);
  process.off('SIGUSR2', listener);
  process.on('SIGUSR2', listener);
  process.kill(process.pid, 'SIGUSR2');
  const keepAlive = setInterval(() => {}, 1000);
  await held;
  assert.deepEqual(heard, [['manager', 'SIGUSR2']]);
  releaseSignals(['SIGUSR2']);
  process.kill(process.pid, 'SIGUSR2');
  while (heard.length < 2) await setTimeout(1);
  assert.deepEqual(heard[1], ['application', 'SIGUSR2']);
  clearInterval(keepAlive);
});
