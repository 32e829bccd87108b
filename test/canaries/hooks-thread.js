// The thread of module.register() is announced like any worker, but made by a class that programs cannot reach.
const assert = require('node:assert/strict');
const { subscribe } = require('node:diagnostics_channel');
const { register } = require('node:module');
const { Worker } = require('node:worker_threads');
const { canary } = require('./helpers/canary');

process.noDeprecation = true; // Node 26 prefers others

const HOOKS =
  'data:text/javascript,export const resolve = (specifier, context, next) => next(specifier, context)';

canary(async () => {
  const names = [];
  subscribe('worker_threads', ({ worker }) => names.push(worker.constructor.name));
  register(HOOKS);
  await import('data:text/javascript,export default 1');
  await new Worker('0', { eval: true }).terminate();
  assert.deepEqual(names, ['InternalWorker', 'Worker']);
});
