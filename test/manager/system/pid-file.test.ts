/** The pid file: whose it is, a lock says, and not a number. */
import { existsSync, linkSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PidFile } from '../../../lib/manager/system/pid-file';
import { Managed } from '../../helpers/manager';
import { doneByNobody, isRoot, sharedFolder } from '../../helpers/nobody';
import { PYTHON } from '../../helpers/oracle';
import { openFilesOf } from '../../helpers/proc';
import { Program } from '../../helpers/run';

const BUSY = { code: 'ERR_PREFORK_BUSY' };
const UNSAFE = { code: 'ERR_PREFORK_UNSAFE_PATH' };
const OWN = `${process.pid}\n`;

function taken(path: string): PidFile {
  const file = new PidFile(path);
  onTestFinished(() => {
    if (existsSync(path)) file.remove();
  });
  return file;
}

test('It holds the number, has mode 0644 whatever the umask is, and goes at the end.', () => {
  const path = join(sharedFolder().folder, 'pid');
  const before = process.umask(0);
  onTestFinished(() => void process.umask(before));
  const file = new PidFile(path);
  expect(readFileSync(path, 'latin1')).toBe(OWN);
  expect(statSync(path).mode & 0o7777).toBe(0o644);
  file.remove();
  expect(existsSync(path)).toBe(false);
});

test.each(['1\n', '-1\n', '0', '', 'nonsense', `${2 ** 40}\n`, `${process.ppid}\n`, `${'9'.repeat(100)}\n`])(
  'A number of another process, or none, is no obstacle: %j is replaced.',
  (text) => {
    const path = join(sharedFolder().folder, 'pid');
    writeFileSync(path, text, { mode: 0o600 });
    const file = taken(path);
    expect(readFileSync(path, 'latin1')).toBe(OWN);
    expect(statSync(path).mode & 0o7777).toBe(0o644);
    file.remove();
  },
);

test.runIf(isRoot)(
  'On a full disk the start is refused by the name of the file, and nothing is left of it.',
  async () => {
    const { folder } = sharedFolder();
    const fill = 'mount -t tmpfs -o size=4k none "$0" && head -c 4096 /dev/zero > "$0/fill"';
    const under = ['unshare', '--mount', 'sh', '-c', `${fill} && "$@"; ls "$0"`, folder];
    const managed = new Managed('server.js', { workers: 1, pidFile: join(folder, 'pid') }, { under });
    const { entries } = await managed.end();
    const failed = entries.find(({ event }) => event === 'pid_file_failed');
    expect(failed?.message).toMatch(/^write ENOSPC .*\/pid$/);
    expect(managed.program.stdout.trim().split('\n').at(-1)).toBe('fill');
  },
);

test('Two instances: the second is refused while the first one lives, and then starts.', async () => {
  const pidFile = join(sharedFolder().folder, 'pid');
  const first = await new Managed('server.js', { workers: 1, pidFile }).started();
  const refused = await new Managed('server.js', { workers: 1, pidFile }).end();
  expect(refused.status).toBe(1);
  expect(refused.entries.at(-1)?.message).toMatch(
    `belongs to process ${first.program.pid}, which is running: stop that one, or choose another file`,
  );
  expect(readFileSync(pidFile, 'latin1')).toBe(`${first.program.pid}\n`);
  expect((await first.stop()).status).toBe(0);

  const second = await new Managed('server.js', { workers: 1, pidFile }).started();
  expect(readFileSync(pidFile, 'latin1')).toBe(`${second.program.pid}\n`);
  expect((await second.stop()).status).toBe(0);
  expect(existsSync(pidFile)).toBe(false);
});

test('A file that another instance has made since is left to it.', async () => {
  const pidFile = join(sharedFolder().folder, 'pid');
  const first = await new Managed('server.js', { workers: 1, pidFile }).started();
  renameSync(pidFile, `${pidFile}.old`);
  const second = await new Managed('server.js', { workers: 1, pidFile }).started();
  expect((await first.stop()).status).toBe(0);
  expect(readFileSync(pidFile, 'latin1')).toBe(`${second.program.pid}\n`);
  expect((await second.stop()).status).toBe(0);
});

test('Killed, the parent leaves a file that stops nobody, since its workers do not hold it.', async () => {
  const pidFile = join(sharedFolder().folder, 'pid');
  const first = await new Managed('server.js', { workers: 1, pidFile }).started();
  const { pid } = await first.ask<{ pid: number }>('/worker');
  expect(openFilesOf(first.program.pid)).toContain(pidFile);
  expect(openFilesOf(pid)).not.toContain(pidFile);
  first.signal('SIGKILL');
  await first.program.result;
  const second = await new Managed('server.js', { workers: 1, pidFile }).started();
  expect(readFileSync(pidFile, 'latin1')).toBe(`${second.program.pid}\n`);
  expect((await second.stop()).status).toBe(0);
});

test('A lock for reading is no claim.', async () => {
  const path = join(sharedFolder().folder, 'pid');
  writeFileSync(path, '');
  const script =
    'import fcntl, os, sys, time; fd = os.open(sys.argv[1], os.O_RDONLY); fcntl.lockf(fd, fcntl.LOCK_SH); ' +
    "print('locked', flush=True); time.sleep(60)";
  const reader = new Program(PYTHON, ['-c', script, path]);
  onTestFinished(() => reader.killGroup());
  await reader.line();
  taken(path);
  expect(readFileSync(path, 'latin1')).toBe(OWN);
  expect(() => new PidFile(path)).toThrow(expect.objectContaining(BUSY));
});

describe.skipIf(!isRoot)('Against nobody, in a directory of nobody', () => {
  test('a link or a second name of a file of root is refused, and the file stays as it is.', async () => {
    const { folder, theirs } = sharedFolder();
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'of root');
    linkSync(secret, join(theirs, 'second'));
    await doneByNobody("fs.symlinkSync(args[0], args[1] + '/link')", secret, theirs);
    for (const name of ['link', 'second']) {
      const { status, entries } = await new Managed('server.js', { pidFile: join(theirs, name) }).end();
      expect(status).toBe(1);
      expect(entries.at(-1)?.message).toMatch(/Expected a path that root can trust but received .*theirs/);
      expect(readFileSync(secret, 'utf8')).toBe('of root');
    }
  });

  test('a link to a file of root put in its place while it runs is not removed.', async () => {
    const { folder, theirs } = sharedFolder();
    const secret = join(folder, 'secret');
    const pidFile = join(theirs, 'run', 'pid');
    await doneByNobody('fs.mkdirSync(args[0])', join(theirs, 'run'));
    const managed = await new Managed('server.js', { workers: 1, pidFile }).started();
    // A file of root that holds the very number.
    writeFileSync(join(folder, 'pid'), readFileSync(pidFile));
    const swap =
      "fs.renameSync(args[0] + '/run', args[0] + '/moved'); fs.symlinkSync(args[1], args[0] + '/run');";
    await doneByNobody(swap, theirs, folder);
    expect((await managed.stop()).status).toBe(0);
    expect(existsSync(join(folder, 'pid'))).toBe(true);
    expect(existsSync(secret)).toBe(false);
  });

  test('a file of nobody is refused.', async () => {
    const { theirs } = sharedFolder();
    const path = join(theirs, 'pid');
    await doneByNobody('fs.writeFileSync(args[0], "")', path);
    expect(() => new PidFile(path)).toThrow(expect.objectContaining(UNSAFE));
  });
});
