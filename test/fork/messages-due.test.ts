import { expect, test } from 'vitest';
import { run } from '../helpers/run';

const parentGetsAll = 'status 0\nparent 1 2 3\nparent has none\n';

test.each(['goes on listening', 'stops listening', 'listens late', 'from a child process'])(
  'Messages due when a listener forks reach the parent alone, and the child lives: %s.',
  async (name) => {
    const stdout = `child 1\nchild has none\n${parentGetsAll}`;
    expect(await run('fork/messages-due.js', { args: [name] })).toEqual({
      status: 0,
      signal: null,
      stdout,
      stderr: '',
    });
  },
);

test('A socket that is due with a message stays open in no child.', async () => {
  const { stdout, ...end } = await run('fork/messages-due.js', { args: ['gets sockets'] });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  expect(stdout).toBe('child 1\nchild has none\nstatus 0\nparent 1 a socket end\nparent has none\n');
});

const IN_MEMORY: [name: string, all: string][] = [
  ['message port', '1 2 3'],
  ['pipelined requests', '/1 /2 /3'],
  ['lines', 'a b c'],
  ['broadcast', '1 2 3'],
];

test.each(IN_MEMORY)(
  'A child that removes its listeners leaves the rest to its parent: %s.',
  async (name, all) => {
    const [first] = all.split(' ');
    expect(await run('fork/batches.js', { args: [name, 'leaves'] })).toEqual({
      status: 0,
      signal: null,
      stdout: `child ${first}\nparent ${all}\n`,
      stderr: '',
    });
  },
);

test.each([...IN_MEMORY, ['ticks', '1 2 3'] as [string, string]])(
  'What this process has in memory is served in both: %s.',
  async (name, all) => {
    expect(await run('fork/batches.js', { args: [name] })).toEqual({
      status: 0,
      signal: null,
      stdout: `child ${all}\nparent ${all}\n`,
      stderr: '',
    });
  },
);
