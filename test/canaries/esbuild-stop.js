// esbuild is lib/main.js, makes its thread from there, and after stop() makes another when it is called again.
const assert = require('node:assert/strict');
const { subscribe } = require('node:diagnostics_channel');
const { canary } = require('./helpers/canary');

canary(() => {
  const stacks = [];
  subscribe('worker_threads', () => stacks.push(new Error('worker').stack));
  const esbuild = require('esbuild');
  const compile = () => esbuild.transformSync('let a: number', { loader: 'ts' }).code;
  assert.equal(compile(), 'let a;\n');
  esbuild.stop();
  assert.equal(compile(), 'let a;\n');
  assert.equal(stacks.length, 2);
  for (const stack of stacks) assert.match(stack, /\/esbuild\/lib\/main\.js:/);
  assert.equal(Object.keys(require.cache).filter((path) => path.endsWith('/esbuild/lib/main.js')).length, 1);
  esbuild.stop();
});
