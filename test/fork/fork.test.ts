import { describe, expect, test } from 'vitest';
import { run } from '../helpers/run';

const THEMES = ['engine', 'files', 'network', 'processes', 'threads'];

/** What the fixture prints and how it ends when parent and child did their deed. */
const DONE = { status: 0, signal: null, stdout: 'child: 42\n', stderr: '' };

describe.each(THEMES)('The child is a complete process, and the parent is as before: %s.', (theme) => {
  const deeds = require(`../fixtures/fork/deeds/${theme}`) as Record<string, unknown>;
  test.each(Object.keys(deeds))('It %s.', async (deed) => {
    expect(await run('fork/do-in-both.js', { args: [theme, deed] })).toEqual(DONE);
  });
});
