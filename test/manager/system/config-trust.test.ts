/** Root runs no configuration that somebody else can write. */
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMAND, program } from '../../helpers/command';
import { folderOf, isRoot, NOBODY, sharedFolder } from '../../helpers/nobody';
import type { Result } from '../../helpers/run';

const SERVER = "require('node:http').createServer().listen(0, '127.0.0.1');";
const CONFIG = "console.log('the configuration runs'); module.exports = { workers: 1 };";

function application(folder: string, config = CONFIG): string {
  writeFileSync(join(folder, 'server.js'), SERVER);
  writeFileSync(join(folder, 'prefork.config.js'), config);
  return folder;
}

/** What `prefork check` and `prefork` say there. */
async function inBoth(folder: string, ...options: string[]): Promise<Result[]> {
  const run = (...args: string[]) =>
    program(process.execPath, [COMMAND, ...args, ...options], { cwd: folder }).result;
  return [await run('check', 'server.js'), await run('server.js')];
}

describe.skipIf(!isRoot)('As root', () => {
  test.each<[string, (folder: string, theirs: string) => string]>([
    [
      'a file of another user',
      (folder) => {
        chownSync(join(application(folder), 'prefork.config.js'), NOBODY, NOBODY);
        return folder;
      },
    ],
    [
      'a file that everybody can write to',
      (folder) => {
        chmodSync(join(application(folder), 'prefork.config.js'), 0o666);
        return folder;
      },
    ],
    ['a file of root in a directory of another user', (_, theirs) => application(theirs)],
    [
      'a file of root below a directory of another user',
      (_, theirs) => {
        mkdirSync(join(theirs, 'deep'));
        return application(join(theirs, 'deep'));
      },
    ],
    [
      'a link to a file of another user',
      (folder, theirs) => {
        application(theirs);
        symlinkSync(join(theirs, 'prefork.config.js'), join(folder, 'prefork.config.js'));
        writeFileSync(join(folder, 'server.js'), SERVER);
        return folder;
      },
    ],
  ])('%s is refused, with advice, and not run; also under check.', async (_, make) => {
    const { folder, theirs } = sharedFolder();
    for (const { status, stdout, stderr } of await inBoth(make(folder, theirs))) {
      expect(status).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(
        /can trust but received .*prefork\.config\.js: .*done as root: let only root write to it/,
      );
      expect(stderr).toMatch(/ERR_PREFORK_UNSAFE_PATH/);
    }
  });

  test('one of root is run, in a sticky directory, too; and --no-config leaves out any.', async () => {
    const { folder, theirs } = sharedFolder();
    const sticky = folderOf(0, join(folder, 'sticky'));
    chmodSync(sticky, 0o1777);
    const ends = `${CONFIG} process.exit(3);`;
    for (const { status, stdout } of await inBoth(application(sticky, ends))) {
      expect({ status, stdout }).toEqual({ status: 3, stdout: 'the configuration runs\n' });
    }
    writeFileSync(join(application(theirs), 'server.js'), 'process.exit(4)');
    for (const { stdout, stderr } of await inBoth(theirs, '--no-config')) {
      expect(`${stdout}${stderr}`).not.toMatch(/the configuration runs|trust/);
    }
  });
});
