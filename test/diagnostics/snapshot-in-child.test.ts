/** snapshotInChild(): the heap as it was at the fork, in a file that is whole or not there, while the program goes on. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SnapshotOptions, snapshotInChild } from 'prefork/diagnostics';
import { expect, onTestFinished, test, vi } from 'vitest';
import { run } from '../helpers/run';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-snapshot-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('It is of the moment of the fork, whole when it appears, its owner alone may read it, and the program goes on.', async () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'a.heapsnapshot'), 'the one before');
  const { status, stdout, stderr } = await run('diagnostics/snapshot.js', {
    args: [folder],
    deadman: 110_000,
  });
  expect(status, stderr).toBe(0);
  const seen = JSON.parse(stdout);
  expect(seen).toMatchObject({
    isThere: true,
    mode: '600',
    hasBefore: true,
    hasAfter: false,
    wentOn: true,
    left: ['a.heapsnapshot'],
  });
  expect(seen.names.sort()).toEqual(['a.heapsnapshot', 'a.heapsnapshot.PID.partial']);
  expect(seen.old).toEqual([true]);
  expect(seen.phases).toContain('collecting');
  expect(seen.scores).toContain('1000');
}, 120_000);

test.each([
  ['is not done in time', { timeout: 1 }, 'ERR_PREFORK_TIMEOUT'],
  ['is aborted', { signal: AbortSignal.abort() }, 'ABORT_ERR'],
])('Of one that %s nothing is left.', async (_, options: SnapshotOptions, code) => {
  const folder = newFolder();
  await expect(snapshotInChild(join(folder, 'a.heapsnapshot'), options)).rejects.toMatchObject({ code });
  expect(readdirSync(folder)).toEqual([]);
});

test('Without room it is refused before anything is written, and says how much is missing.', async () => {
  const folder = newFolder();
  const path = join(folder, 'a.heapsnapshot');
  const available = vi.spyOn(process, 'availableMemory').mockReturnValue(3 * 2 ** 20);
  onTestFinished(() => available.mockRestore());
  await expect(snapshotInChild(path)).rejects.toMatchObject({
    code: 'ERR_PREFORK_NO_ROOM',
    message: expect.stringMatching(/may take \d+ MB of memory, and 3 MB are free/),
  });
  const taken = snapshotInChild(path, { checkRoom: false, timeout: 1 });
  await expect(taken).rejects.toMatchObject({ code: 'ERR_PREFORK_TIMEOUT' });
  expect(readdirSync(folder)).toEqual([]);
});

test('What cannot be written is an error of the file system.', async () => {
  const path = join(newFolder(), 'nowhere', 'a.heapsnapshot');
  await expect(snapshotInChild(path)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(snapshotInChild(path, { checkRoom: false })).rejects.toMatchObject({ code: 'ENOENT' });
});

test.each([
  [42, {}, 'a string for path'],
  ['a', { checkRoom: 1 }, 'a boolean for options.checkRoom'],
  ['a', { onProgress: 1 }, 'a function for options.onProgress'],
  ['a', { check_room: true }, 'checkRoom'],
  ['a', { nice: 20, checkRoom: false }, 'from 0 to 19'],
])('snapshotInChild(%s, %j) is refused, and leaves no file.', async (path, options, message) => {
  const folder = newFolder();
  const there = typeof path === 'string' ? join(folder, path) : path;
  await expect(snapshotInChild(there as string, options as SnapshotOptions)).rejects.toThrow(message);
  expect(readdirSync(folder)).toEqual([]);
});
