/** What can go wrong before the first listen: each has a message that says what to do, and a status that is not 0. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Files, folderWith, prefork, program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';

const LISTENS = "require('node:http').createServer().listen(0);";
const HOOK_WITHOUT_END = (begins: string, settings = '') =>
  `module.exports = { ${settings} hooks: { beforeFork() { ${begins}; return new Promise(() => {}); } } };`;
const stripsTypes = Boolean((process.features as { typescript?: string | false }).typescript);

interface Wrong {
  what: string;
  files?: Files;
  args?: string[];
  env?: Record<string, string>;
  status?: number;
  says: RegExp;
}

const WRONG: Wrong[] = [
  {
    what: 'no application',
    args: [],
    status: 2,
    says: /^Usage: prefork \[options\] <application>.*\n\n.*\n\n {2}prefork server\.js .*\n(.*\n)* {2}-w, --workers .*\n(.*\n)*All options: prefork --help\n$/,
  },
  {
    what: 'options, but no application',
    args: ['-w', '2'],
    status: 2,
    says: /missing required argument 'application'\nSee prefork --help/,
  },
  {
    what: 'an unknown option',
    args: ['a.js', '--worker', '2'],
    status: 2,
    says: /unknown option '--worker'\n.*--workers/,
  },
  {
    what: 'a wrong value',
    args: ['a.js', '--workers', '-2'],
    status: 2,
    says: /^prefork: Expected an integer from 1 to 1024, or auto, for --workers but received '-2' \(ERR_PREFORK_OUT_OF_RANGE\)\n$/,
  },
  {
    what: 'a wrong variable',
    args: ['a.js'],
    env: { PREFORK_HANG_TIMEOUT: '30' },
    status: 2,
    says: /for PREFORK_HANG_TIMEOUT but received '30'/,
  },
  {
    what: 'a wrong setting in the file',
    args: ['a.js'],
    files: { 'a.js': LISTENS, 'prefork.config.mjs': "export default { logFormat: 'xml' }" },
    status: 2,
    says: /Expected one of plain, pretty, json for logFormat in prefork\.config\.mjs but received 'xml'/,
  },
  {
    what: 'two configuration files',
    args: ['a.js'],
    files: { 'a.js': LISTENS, 'prefork.config.mjs': '', 'prefork.config.json': '{}' },
    status: 2,
    says: /both prefork\.config\.mjs and prefork\.config\.json in .*: keep one, or name it with --config/,
  },
  {
    what: 'a configuration file that throws',
    args: ['a.js'],
    files: { 'a.js': LISTENS, 'prefork.config.mjs': "throw new Error('broken')" },
    status: 2,
    says: /Cannot load .*prefork\.config\.mjs: Error: broken/,
  },
  {
    what: 'a missing file',
    args: ['nothing.js'],
    status: 2,
    says: /Cannot find the application nothing\.js in /,
  },
  {
    what: 'a missing folder',
    args: ['a.js', '--cwd', 'nowhere'],
    status: 2,
    says: /^prefork: .*ENOENT.*nowhere/,
  },
  {
    what: 'an unknown user',
    args: ['a.js', '--user', 'nosuch'],
    status: 2,
    says: /^prefork: Unknown user 'nosuch' \(ERR_PREFORK_INVALID_ARG_VALUE\)\n$/,
  },
  {
    what: 'PORT that is none, for an app that is exported',
    files: { 'a.js': "module.exports = require('express')()" },
    env: { PORT: 'abc' },
    status: 2,
    says: /^prefork: Expected an integer from 0 to 65535 for PORT but received 'abc' \(\w+\)\n$/,
  },
  {
    what: 'an application that listens but always has something under way',
    files: {
      'a.js': `
        const again = () => require('node:fs').stat('/', again);
        again();
        again();
        ${LISTENS}`,
    },
    // It counts for the application's own start, too, which is not to be late.
    args: ['a.js', '--boot-timeout', '2s'],
    says: /^\S+ prefork\[\d+\] error: The application cannot be forked: it always has requests in flight/,
  },
  {
    what: 'an application that throws while loading',
    files: { 'a.js': "throw new Error('no such table')" },
    says: /a\.js ended with status 1 before it listened, so no worker was started\.\n(?:.*\n)*.*Error: no such table\n.* at .*a\.js:1/,
  },
  {
    what: 'an ES module that throws after an await',
    files: { 'a.mjs': "await null; throw new Error('no such table')" },
    args: ['a.mjs'],
    says: /a\.mjs ended with status 1 before it listened(?:.*\n)*.*Error: no such table/,
  },
  {
    what: 'a missing import',
    files: { 'a.js': "require('express-of-yesterday')" },
    says: /before it listened, so no worker was started\. A module that it imports is missing/,
  },
  {
    what: 'an application that never listens',
    files: { 'a.js': '' },
    says: /a\.js ended without listening, so no worker was started\. Workers are forked at the first server\.listen\(\).*--bind :8888/,
  },
  {
    what: 'an application that exits',
    files: { 'a.js': 'process.exit(0)' },
    says: /a\.js ended with status 0 before it listened/,
  },
  {
    what: 'an application that never listens and goes on',
    files: { 'a.js': 'setInterval(() => {}, 1000)' },
    args: ['a.js', '--boot-timeout', '2s'],
    says: /a\.js did not listen within 2 s, so .* raise --boot-timeout\. It waits for: 1 timer\b/,
  },
  {
    what: 'a hook beforeFork that nobody ends',
    files: { 'a.js': LISTENS, 'prefork.config.js': HOOK_WITHOUT_END('') },
    says: /the hook beforeFork has returned is still pending, and nothing is left that could fulfil it\n$/,
  },
  {
    what: 'a hook beforeFork that waits without end',
    // Written there, the timeout is not that of reading it.
    files: {
      'a.js': LISTENS,
      'prefork.config.js': HOOK_WITHOUT_END('setInterval(() => {}, 1000)', "bootTimeout: '2s',"),
    },
    says: /the hook beforeFork has returned is still pending after 2 s\n$/,
  },
  {
    what: 'an app that is exported, and nothing says where it should be served',
    files: { 'a.js': "module.exports = require('express')()" },
    says: /ended without listening, so no worker was started\. It exports an Express app: add --bind :8888 to serve it\./,
  },
  {
    what: 'an application that uses node:cluster (CommonJS)',
    files: { 'a.js': `const c = require('node:cluster'); if (c.isPrimary) c.fork(); else ${LISTENS}` },
    says: /a\.js starts its own workers with node:cluster, .* Remove cluster\.fork\(\)/,
  },
  {
    what: 'an application that uses node:cluster (ES module)',
    files: { 'a.mjs': "import { fork } from 'node:cluster'; fork();" },
    args: ['a.mjs'],
    says: /a\.mjs starts its own workers with node:cluster, /,
  },
];

if (!stripsTypes) {
  WRONG.push(
    {
      what: 'TypeScript that this Node does not read',
      files: { 'a.ts': 'const port: number = 0;' },
      args: ['a.ts'],
      says: /does not read TypeScript by itself: use Node 22\.18 or later, or add --import tsx/,
    },
    {
      what: 'a configuration in TypeScript that this Node does not read',
      files: { 'a.js': LISTENS, 'prefork.config.ts': 'export default {}' },
      status: 2,
      says: /does not read TypeScript by itself: use Node 22\.18 or later, or add --import tsx/,
    },
  );
}

test.each(WRONG)(
  '$what',
  async ({ files = { 'a.js': LISTENS }, args = ['a.js'], env = {}, status = 1, says }) => {
    const { stderr, ...end } = await prefork(folderWith(files), args, { env }).result;
    expect(stderr).toMatch(says);
    expect(end).toMatchObject({ status, signal: null });
  },
);

test('node --import prefork/auto: what is wrong is said in one line, too, with status 2.', async () => {
  const auto = ['--import', join(ROOT, 'dist', 'auto.mjs'), 'a.js'];
  for (const [variable, value, message] of [
    ['PREFORK_WORKERS', 'abc', /^prefork: Expected .* received 'abc' \(\w+\)\n$/],
    ['PREFORK_USER', 'nosuch', /^prefork: Unknown user 'nosuch' \(\w+\)\n$/],
  ] as const) {
    const options = { cwd: folderWith({ 'a.js': LISTENS }), env: { [variable]: value } };
    const { stderr, status } = await program(process.execPath, auto, options).result;
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  }
});

test('A Hono app without its adapter says what to install.', async () => {
  const folder = folderWith({ 'a.js': 'exports.default = { fetch() {} }' }, { packages: false });
  const { stderr, status } = await prefork(folder, ['a.js', '--bind', ':0']).result;
  expect(stderr).toMatch(/npm install @hono\/node-server/);
  expect(status).toBe(1);
});
