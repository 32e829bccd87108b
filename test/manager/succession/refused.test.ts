/** SIGUSR2 to what cannot be started leaves the manager as it is, in service. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../helpers/eventually';
import { Load } from '../../helpers/manager';
import { ROOT } from '../../helpers/stdin';
import { lead, packageWith, type Started, start } from '../../helpers/succession';

describe('What cannot start leaves the manager in service, and the log says why:', () => {
  const script = (folder: string, name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o755 });
    return join(folder, name);
  };

  test.each<[string, (started: Started) => void, RegExp]>([
    ['no Node', ({ node, folder }) => lead(node, join(folder, 'none')), /execve ENOENT .*\/node/],
    ['no program', ({ node, folder }) => lead(node, join(folder, 'app.js')), /execve EACCES/],
    ['another program', ({ node }) => lead(node, '/bin/true'), /its trial exited with status 127/],
    [
      'a Node that fails',
      ({ node, folder }) => lead(node, script(folder, 'fails', '#!/bin/sh\nexit 3\n')),
      /its trial exited with status/,
    ],
    ['no prefork', ({ ours, folder }) => lead(ours, join(folder, 'none')), /its trial exited with status 1/],
    [
      'a prefork that does not parse',
      ({ ours, folder }) =>
        lead(
          ours,
          packageWith(folder, 'dist/cli/main.js', () => 'this is no JavaScript'),
        ),
      /its trial exited with status 1/,
    ],
    [
      'an addon that does not load',
      ({ ours, folder }) =>
        lead(
          ours,
          packageWith(folder, 'build/Release/prefork.node', () => 'no ELF'),
        ),
      /its trial exited with status 2/,
    ],
    [
      'a prefork that hands over in another form',
      ({ ours, folder }) =>
        lead(
          ours,
          packageWith(folder, 'dist/manager/manager/handover.js', (text) =>
            text.replace(/exports\.HANDOVER_VERSION = \d+/, 'exports.HANDOVER_VERSION = 999'),
          ),
        ),
      /takes over from managers that hand over in form 999, not \d+: restart the service instead/,
    ],
    [
      'a wrong configuration',
      ({ folder }) => writeFileSync(join(folder, 'prefork.config.json'), '{ "workers": "many" }'),
      /for workers in prefork\.config\.json but received 'many'/,
    ],
    ['no application', ({ folder }) => rmSync(join(folder, 'app.js')), /Cannot find the application app\.js/],
  ])('%s.', async (_, spoil, why) => {
    const started = await start();
    const { port, running, ours, node, heard, until, change, ask, stop } = started;
    const before = running.children();
    const load = new Load(port);
    spoil(started);
    running.kill('SIGUSR2');
    expect(await until('succession_refused')).toMatch(why);
    expect(running.children()).toEqual(before);
    expect(await ask()).toMatch(/^version 1 /);
    // Mended, it takes over.
    lead(node, process.execPath);
    lead(ours, ROOT);
    rmSync(join(started.folder, 'prefork.config.json'), { force: true });
    change(2);
    running.kill('SIGUSR2');
    await until('replaced_all');
    await eventually(async () => /^version 2 /.test(await ask()));
    await load.stop();
    expect(load.errors).toEqual([]);
    expect(heard('worker_crashed')).toEqual([]);
    expect(await stop()).toBe('status 0');
  });

  test('code that does not load: the new manager goes on with the old workers.', async () => {
    const { port, folder, running, until, change, ask, stop } = await start();
    const before = running.workers();
    const load = new Load(port);
    writeFileSync(join(folder, 'app.js'), 'this is no JavaScript');
    running.kill('SIGUSR2');
    await until('succession_finished');
    expect(await until('replacement_refused')).toMatch(/Generation 0 serves on/);
    expect(running.workers()).toEqual(before);
    // The old template still forks, and what it loaded is what they run.
    running.kill('SIGKILL', before[0]);
    await until('worker_killed');
    await eventually(() => running.workers().length === 2);
    expect(await ask()).toMatch(/^version 1 /);
    change(2);
    running.kill('SIGHUP');
    await until('replaced_all');
    await load.stop();
    expect(load.errors.filter((error) => error !== 'ECONNRESET')).toEqual([]); // of the worker that was killed
    expect(await stop()).toBe('status 0');
  });
});
