import { expect, test } from 'vitest';
import { run } from '../helpers/run';

test.runIf(process.getuid?.() === 0)(
  'fs.watch() goes on in parent and child also where the kernel will not say which files were watched.',
  async () => {
    const result = await run('fork/watch-unprivileged.js');
    expect(result).toEqual({ status: 0, signal: null, stdout: '42 true\n', stderr: '' });
  },
);
