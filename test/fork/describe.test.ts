import { expect, test } from 'vitest';
import { run } from '../helpers/run';

test('describeFork() names everything that a fork would duplicate, renew or share.', async () => {
  const { stdout, stderr, status } = await run('fork/describe/everything.js');
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const seen = JSON.parse(stdout);
  expect(seen.kinds).toEqual(expect.arrayContaining(['server', 'child process', 'file watcher', 'worker']));
  expect(seen.details).toContain(`127.0.0.1:${seen.port}`);
  expect(seen.details.some((detail: string) => detail.includes(`pid ${seen.child}`))).toBe(true);
  expect(seen.file).toMatchObject({ fate: 'renewed', offset: 7 });
  expect(seen.pipe).toMatchObject({ fate: 'shared' });
  expect(seen.epoll).toMatchObject({ fate: 'renewed' });
  expect(seen.ownSignalPipe).toBe(true);
  expect(seen.threads).toBeGreaterThanOrEqual(6);
  expect(seen.timers).toBeGreaterThanOrEqual(1);
  expect(seen.printed).toMatch(/everything\.js at byte 7/);
  expect(seen.printed).toMatch(/Descriptors that the child gets anew: \d+/);
});
