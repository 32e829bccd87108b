import { expect, test } from 'vitest';
import { run } from '../helpers/run';

const cases = require('../fixtures/fork/cpython.js') as Record<string, unknown>;

test.each(Object.keys(cases))("CPython's %s holds.", async (name) => {
  expect(await run('fork/cpython.js', { args: [name] })).toEqual({
    status: 0,
    signal: null,
    stdout: 'ok\n',
    stderr: '',
  });
});
