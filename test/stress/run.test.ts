/** `npm run test:stress` tells of what is slow while it is slow. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';

const RUN = join(ROOT, 'test', 'stress', 'run.js');
const STOPS = join(ROOT, 'test', 'fixtures', 'stress', 'stops-in-fork.js');

test('A fork() that takes more than a second is reported meanwhile, with where each thread is.', async () => {
  const running = program(process.execPath, [RUN, '1', '--profile', 'calm'], {
    env: { NODE_OPTIONS: `--require ${STOPS}` },
    deadman: 110_000, // longer than gdb may take
  });
  await running.until(/=== process \d+\n\d+ .*: .*, then .*, ran \d+ of \d+ ms, in \w*, system call /);
  const [, pid] =
    /^fork\(\) number 0 of calm takes more than a second\n=== process (\d+)$/m.exec(running.stdout) ?? [];
  running.kill('SIGCONT', Number(pid));
  const { status, stdout, stderr } = await running.result;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^calm +1 of 1, \d+ ms each\n1 of 1 in /m);
});
