/** A file in memory that several processes write to is sealed by none of them: the others would not get on (fcntl(2), F_ADD_SEALS). */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderWith, program } from '../helpers/command';
import { PYTHON } from '../helpers/oracle';
import { serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

/** Tries each seal on each file in memory of these processes that it may write to; prints which are to be had, by name. */
const TRY = `
import fcntl, json, os, sys
ADD_SEALS, SEALS = 1033, {'seal': 1, 'shrink': 2, 'grow': 4, 'write': 8, 'future write': 16}
found = {}
for pid in sys.argv[1:]:
    folder = '/proc/%s/fd/' % pid
    for fd in os.listdir(folder):
        try:
            name = os.readlink(folder + fd)
            if not name.startswith('/memfd:prefork'): continue
            own = os.open(folder + fd, os.O_RDWR)
        except OSError: continue
        had = found.setdefault(name.split(':')[1].split(' ')[0], [])
        # The one that forbids all others last.
        for seal in reversed(list(SEALS)):
            try:
                fcntl.fcntl(own, ADD_SEALS, SEALS[seal])
                had.append(seal)
            except OSError: pass
        os.close(own)
print(json.dumps(found))`;

const TRYING = `
  const tryToSeal = (...pids) => JSON.parse(require('node:child_process')
    .execFileSync(${JSON.stringify(PYTHON)}, ['-c', ${JSON.stringify(TRY)}, ...pids.map(String)], { encoding: 'utf8' }));`;

test("A worker can seal none of its own, and none of the manager's; all go on writing.", async () => {
  const app = `
    ${TRYING}
    const { broadcast, worker } = require(${JSON.stringify(ROOT)});
    const channel = broadcast('news');
    channel.onmessage = ({ data }) => console.log(worker().id + ' hears ' + data);
    require('node:http').createServer((_, response) => {
      const found = { worker: tryToSeal(process.pid), manager: tryToSeal(process.ppid) };
      channel.postMessage('it');
      response.end(JSON.stringify(found));
    }).listen(0, '127.0.0.1');`;
  const served = await serve(['app.js', '-w', '2', '--name', 'x'], {
    files: { 'app.js': app },
    until: /2 workers ready/,
  });
  const none = { 'prefork-broadcast': [], 'prefork-metrics': [] };
  expect(JSON.parse(await served.ask())).toEqual({
    worker: none,
    manager: { ...none, 'prefork-scoreboard': [], 'prefork-manager': [] },
  });
  await served.until(/[01] hears it/);
  expect(await served.stop()).toBe('status 0');
});

test('Nor can a child of this process; but what large buffers are in, which is read when it has ended.', async () => {
  const source = `
    ${TRYING}
    const { inChild } = require(${JSON.stringify(join(ROOT, 'dist', 'parallel.js'))});
    const { Queue } = require(${JSON.stringify(join(ROOT, 'dist', 'multiprocessing.js'))});
    const queue = new Queue();
    inChild(() => tryToSeal(process.pid, process.ppid), { memoryLimit: 1000 }).then((found) => {
      console.log(JSON.stringify(found));
    });`;
  const { stdout, stderr } = await program(process.execPath, ['a.js'], {
    cwd: folderWith({ 'a.js': source }),
  }).result;
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    'prefork-answer': [],
    'prefork-limit': [],
    'prefork-queue': [],
    'prefork-buffers': ['future write', 'write', 'grow', 'shrink', 'seal'],
  });
});
