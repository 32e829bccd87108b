/** What is different with musl, as far as it can be seen where there is no Node for it. See native.test.ts for the rest. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Program } from '../helpers/run';

const DIST = JSON.stringify(join(__dirname, '..', '..', 'dist'));

test('In a child a change of the user is refused: musl would never return.', async () => {
  const program = `
    const { binding } = require(${DIST} + '/base/binding.js');
    const { fork, wait } = require(${DIST});
    if (binding.libc !== 'glibc') throw new Error(binding.libc);
    binding.libc = 'musl';
    process.setgid(process.getgid());
    if (fork() === 0) {
      for (const name of ['setuid', 'seteuid', 'setgid', 'setegid', 'setgroups', 'initgroups']) {
        try {
          process[name](0, 0);
        } catch ({ code, message }) {
          console.log(code, message.startsWith('process.' + name + '()'));
        }
      }
      process.exit();
    }
    wait();
  `;
  const { result } = new Program(process.execPath, ['-e', program]);
  expect(await result).toEqual({
    status: 0,
    signal: null,
    stdout: 'ERR_PREFORK_UNSUPPORTED true\n'.repeat(6),
    stderr: '',
  });
});
