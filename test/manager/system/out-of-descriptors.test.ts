/** A manager without a descriptor to spare loses no line of its log and no word to its service manager: they come later. */
import { expect, test } from 'vitest';
import { run } from '../../helpers/run';

/** Standard error is a pipe, as a shell makes it. */
const LIMITED = ['sh', '-c', 'ulimit -n 60; { "$@" 2>&1 >&3 | cat >&2; } 3>&1', 'sh'];

test('What it could not write, or tell, comes when there are descriptors again.', async () => {
  const { stdout, stderr } = await run('manager/system/out-of-descriptors.js', { under: LIMITED });
  expect(stderr).toBe('the first line\nthe second line\n');
  expect(JSON.parse(stdout)).toEqual({
    before: { isUnwritten: true, heard: [] },
    after: { isUnwritten: false, heard: [expect.stringMatching(/^READY=1$/m)] },
  });
});
