/** A program that the package starts by itself is reached by no signal for the process group, not even while it starts. */
import { constants } from 'node:os';
import { beforeAll, expect, test } from 'vitest';
import { compile } from '../helpers/compile';
import { run } from '../helpers/run';

let preload = '';
beforeAll(() => {
  preload = compile('base/signals-its-group.c', ['-shared', '-fPIC', '-pthread']);
});

test.each(['SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
  'Not by %s, when it has just been forked.',
  async (signal) => {
    const env = { LD_PRELOAD: preload, GROUP_SIGNAL: String(constants.signals[signal]) };
    const { stdout, stderr } = await run('base/starts-programs.js', { env });
    expect({ stdout, stderr }).toEqual({ stdout: '{"200":3}\ntrue\n', stderr: '' });
  },
);
