/** Log files that are opened anew where another user may have a hand in it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { doneByNobody, isRoot, sharedFolder } from '../../helpers/nobody';
import { type Served, serve } from '../../helpers/served';

const SERVER = `
  require('node:http').createServer((request, response) => {
    console.log('request ' + request.url);
    response.end();
  }).listen(0, '127.0.0.1');`;

/** The worker that is being replaced may answer the first ones. */
async function askUntilFileSays(file: string, served: Served, path: string): Promise<void> {
  while (!readFileSync(file, 'utf8').includes(`request ${path}\n`)) await served.ask(path);
}

describe.skipIf(!isRoot)('Against nobody, who owns the directory and the log', () => {
  test('SIGUSR1 opens no file of root that the log has become a link to; the old one is written on.', async () => {
    const { folder, theirs } = sharedFolder();
    const secret = join(folder, 'secret');
    const log = join(theirs, 'out.log');
    writeFileSync(secret, 'of root');
    await doneByNobody('fs.writeFileSync(args[0], "")', log);
    const served = await serve(['server.js', '-w', '1'], {
      files: { 'server.js': SERVER },
      under: ['sh', '-c', `exec "$@" >>${log}`, 'sh'],
    });
    await doneByNobody(
      "fs.renameSync(args[0], args[0] + '.1'); fs.symlinkSync(args[1], args[0]);",
      log,
      secret,
    );
    served.running.kill('SIGUSR1');
    await served.until(/Cannot reopen \S*out\.log; still writing to the old file: .*link/);
    served.running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/);
    await askUntilFileSays(`${log}.1`, served, '/after');
    expect(readFileSync(secret, 'utf8')).toBe('of root');
  });

  test('SIGUSR1 makes a new file there, or opens one that the owner of the directory has made.', async () => {
    const { theirs } = sharedFolder();
    const log = join(theirs, 'out.log');
    await doneByNobody('fs.writeFileSync(args[0], "")', log);
    const served = await serve(['server.js', '-w', '1'], {
      files: { 'server.js': SERVER },
      under: ['sh', '-c', `exec "$@" >>${log}`, 'sh'],
    });
    const rotations = ['', "fs.writeFileSync(args[0], '');"];
    for (const [index, then] of rotations.entries()) {
      await doneByNobody(`fs.renameSync(args[0], args[0] + '.${index}'); ${then}`, log);
      served.running.kill('SIGUSR1');
      await served.until(/SIGUSR1: reopening log files/, index + 1);
      served.running.kill('SIGHUP');
      await served.until(/Every worker has been replaced/, index + 1);
      await askUntilFileSays(log, served, `/${index}`);
    }
  });
});
