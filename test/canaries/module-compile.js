// A module that is made of a text, with a path where no file is, imports from there.
const assert = require('node:assert/strict');
const { mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { Module } = require('node:module');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { canary } = require('./helpers/canary');

canary(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-canary-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const files = {
    'package.json': '{ "exports": { "import": "./i.mjs", "require": "./r.cjs" } }',
    'i.mjs': 'export const by = "import";',
    'r.cjs': 'exports.by = "require";',
  };
  mkdirSync(join(folder, 'node_modules', 'known'), { recursive: true });
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, 'node_modules', 'known', name), text);
  const here = new Module(join(folder, 'nowhere'));
  here._compile('exports.load = (name) => import(name);', here.id);
  assert.equal((await here.exports.load('known')).by, 'import');
});
