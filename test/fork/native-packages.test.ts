import { expect, test } from 'vitest';
import { run } from '../helpers/run';

const packages = require('../fixtures/fork/deeds/packages.js') as Record<string, unknown>;

test.each(Object.keys(packages))('%s, in use before the fork, goes on in child and parent.', async (name) => {
  expect(await run('fork/do-in-both.js', { args: ['packages', name] })).toEqual({
    status: 0,
    signal: null,
    stdout: 'child: 42\n',
    stderr: '',
  });
});
