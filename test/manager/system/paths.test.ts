/** Which paths root lets itself be led along. */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inDirectoryOf, openFile, removeIfStill, trust } from '../../../lib/manager/system/paths';
import { doneByNobody, folderOf, isRoot, NOBODY, sharedFolder } from '../../helpers/nobody';

const { O_WRONLY, O_APPEND } = constants;
const APPEND = { flags: O_WRONLY | O_APPEND, mode: 0o644 };
const UNSAFE = { code: 'ERR_PREFORK_UNSAFE_PATH' };

function append(path: string, options = APPEND): void {
  const { fd } = openFile(path, options);
  writeSync(fd, 'a line\n');
  closeSync(fd);
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test('A file is made with the mode that was asked for, and opened again; links and .. lead where they lead.', () => {
  const { folder } = sharedFolder();
  mkdirSync(join(folder, 'real'));
  symlinkSync('real', join(folder, 'link'));
  symlinkSync('../real/log', join(folder, 'real', 'last'));
  symlinkSync(join(folder, 'link'), join(folder, 'far'));
  const before = descriptors();
  for (const path of ['real/log', 'link/log', 'link/../real/log', 'far/last', 'real//./log']) {
    append(`${folder}/${path}`);
  }
  expect(readFileSync(join(folder, 'real', 'log'), 'utf8')).toBe('a line\n'.repeat(5));
  expect(descriptors()).toBe(before);
});

test('A circle of links, a missing directory and a file in the place of one are errors of the system.', () => {
  const { folder } = sharedFolder();
  symlinkSync('b', join(folder, 'a'));
  symlinkSync('a', join(folder, 'b'));
  writeFileSync(join(folder, 'file'), '');
  const before = descriptors();
  expect(() => append(join(folder, 'a', 'log'))).toThrow(expect.objectContaining({ code: 'ELOOP' }));
  expect(() => append(join(folder, 'a'))).toThrow(expect.objectContaining({ code: 'ELOOP' }));
  expect(() => append(join(folder, 'none', 'log'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  expect(() => append(join(folder, 'file', 'log'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
  expect(descriptors()).toBe(before);
});

test('A name is removed only while it is that of the same file.', () => {
  const { folder } = sharedFolder();
  const path = join(folder, 'file');
  const { fd } = openFile(path, APPEND);
  const identity = inDirectoryOf(path, ({ stats }) => stats);
  expect(removeIfStill(path, identity)).toBe(false);
  const own = fstatSync(fd, { bigint: true });
  renameSync(path, `${path}.old`);
  writeFileSync(path, 'of somebody else');
  expect(removeIfStill(path, own)).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('of somebody else');
  renameSync(`${path}.old`, path);
  expect(removeIfStill(path, own)).toBe(true);
  expect(removeIfStill(path, own)).toBe(false);
  closeSync(fd);
});

describe.skipIf(!isRoot)('As root', () => {
  test('a link in a directory of another user is not followed, whichever part of the path it is.', async () => {
    const { folder, theirs } = sharedFolder();
    writeFileSync(join(folder, 'secret'), 'of root');
    const links = "fs.symlinkSync(args[0] + '/secret', 'file'); fs.symlinkSync(args[0], 'directory');";
    await doneByNobody(`process.chdir(args[0] + '/theirs'); ${links}`, folder);
    expect(() => append(join(theirs, 'file'))).toThrow(expect.objectContaining(UNSAFE));
    expect(() => append(join(theirs, 'directory', 'secret'))).toThrow(expect.objectContaining(UNSAFE));
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('of root');
  });

  test('neither is one in a directory that everybody can write to, sticky or not, or that a group can.', async () => {
    const { folder } = sharedFolder();
    for (const [name, mode] of [
      ['open', 0o777],
      ['sticky', 0o1777],
      ['group', 0o775],
    ] as const) {
      const path = folderOf(0, join(folder, name));
      if (name === 'group') chownSync(path, 0, NOBODY);
      chmodSync(path, mode);
      symlinkSync(join(folder, 'secret'), join(path, 'log'));
      expect(() => append(join(path, 'log')), name).toThrow(expect.objectContaining(UNSAFE));
    }
    expect(readdirSync(folder)).not.toContain('secret');
  });

  test('a second name of a file of root, a pipe, and a file of another user are not opened there.', async () => {
    const { folder, theirs } = sharedFolder();
    writeFileSync(join(folder, 'secret'), 'of root');
    linkSync(join(folder, 'secret'), join(theirs, 'linked'));
    await doneByNobody(
      "fs.writeFileSync(args[0] + '/own', ''); require('node:child_process').execFileSync('mkfifo', [args[0] + '/pipe']);",
      theirs,
    );
    expect(() => append(join(theirs, 'linked'))).toThrow(expect.objectContaining(UNSAFE));
    expect(() => append(join(theirs, 'pipe'))).toThrow(expect.objectContaining(UNSAFE));
    expect(() => append(join(theirs, 'own'))).toThrow(expect.objectContaining(UNSAFE));
    append(join(theirs, 'own'), { ...APPEND, mayBelongToOwner: true } as typeof APPEND);
    append(join(theirs, 'new'));
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('of root');
  });

  test('a file is trusted that nobody else can write to, replace, or swap a directory of.', async () => {
    const { folder, theirs } = sharedFolder();
    const write = (path: string) => {
      writeFileSync(path, '');
      return path;
    };
    const own = write(join(folder, 'own'));
    symlinkSync('own', join(folder, 'link'));
    trust(own);
    trust(join(folder, 'link'));

    const foreign = write(join(folder, 'foreign'));
    chownSync(foreign, NOBODY, 0);
    const writable = write(join(folder, 'writable'));
    chmodSync(writable, 0o666);
    const replaceable = write(join(theirs, 'replaceable'));
    mkdirSync(join(theirs, 'deep'));
    const deep = write(join(theirs, 'deep', 'file'));
    symlinkSync(deep, join(folder, 'to deep'));
    for (const path of [foreign, writable, replaceable, deep, join(folder, 'to deep')]) {
      expect(() => trust(path), path).toThrow(expect.objectContaining(UNSAFE));
    }
  });
});
