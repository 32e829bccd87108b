/** The program that shows whether it can take a manager over runs the configuration: what it says is checked, and may be a lie. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openFilesOf } from '../helpers/proc';
import { serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

const SERVER = `
  require('node:http').createServer((_, response) => response.end('served')).listen(0, '127.0.0.1');`;

/** Does as a file says that is there while the trial runs, and nobody else reads it. */
const configuration = (settings = '') => `
  const fs = require('node:fs');
  const { binding } = require('${ROOT}/dist/base/binding.js');
  const isChannel = (fd) => binding.socket_getsockopt(fd, 1 /* SOL_SOCKET */, 3 /* SO_TYPE */) === 5;
  const channel = fs.readdirSync('/proc/self/fd').map(Number).find(isChannel);
  const say = (text) => binding.channel_send(channel, Buffer.from(text), new Int32Array(0));
  const tell = (message) => say(JSON.stringify(message));
  const forever = () => { for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); };
  if (fs.existsSync('deed')) eval(fs.readFileSync('deed', 'utf8'));
  module.exports = { ${settings} workers: 1 };`;

const FILES = { 'app.js': SERVER, 'prefork.config.js': configuration() };

test.each([
  ['sends garbage', `say('{"type":'); forever();`, /sent an invalid message/],
  [
    'sends half of what it should',
    `say('{"type":"trial","what":"me"}'); forever();`,
    /sent an invalid message/,
  ],
  [
    'asks for a socket',
    "tell({ type: 'listen', bind: { kind: 'tcp', host: '127.0.0.1', port: 81 } }); forever();",
    /\(trial\) sent a message after its generation was forgotten/,
  ],
  [
    'has other settings',
    "tell({ type: 'found', found: { written: {}, hooks: [], addresses: {} } }); forever();",
    /\(trial\) sent a message after its generation was forgotten/,
  ],
  ['never stops talking', "for (;;) tell({ type: 'can start' });", /sent more than \d+ messages in a second/],
  [
    'says that it can start, and fails',
    "tell({ type: 'can start' }); process.exit(3);",
    /its trial exited with status 3/,
  ],
  [
    'calls itself something else, and has Node require a file of its own',
    "tell({ type: 'trial', what: 'me', first: '/tmp/mine.js' }); forever();",
    /\(trial\) said twice what it is/,
  ],
  [
    'calls itself by more than a name',
    "tell({ type: 'trial', what: 'x'.repeat(300), first: null }); forever();",
    /sent an invalid message/,
  ],
  ['is killed', "process.kill(process.pid, 'SIGKILL');", /its trial was killed by SIGKILL/],
  ['ends without a word', 'process.exit(0);', /its trial exited with status 0/],
  [
    'says that it can start, and never ends',
    "tell({ type: 'can start' }); forever();",
    /its trial was not over within 4 s/,
    "bootTimeout: '4s',",
  ],
])('A trial that %s is refused, and the manager goes on.', async (_, deed, says, settings = '') => {
  const served = await serve(['app.js'], {
    files: { ...FILES, 'prefork.config.js': configuration(settings) },
  });
  const file = join(served.folder, 'deed');
  writeFileSync(file, deed);
  served.running.kill('SIGUSR2');
  await served.until(/The new process manager does not take over: .*This one goes on/);
  expect(served.log).toMatch(says);
  expect(await served.ask()).toBe('served');
  rmSync(file);
  // The next one has the usual time.
  writeFileSync(join(served.folder, 'prefork.config.js'), configuration());
  served.running.kill('SIGHUP');
  await served.until(/Every worker has been replaced/);
  served.running.kill('SIGUSR2');
  await served.until(/has taken this process over/);
  await served.until(/Every worker has been replaced/, 2);
  expect(await served.ask()).toBe('served');
  expect(await served.stop()).toBe('status 0');
});

test('One that says that it can start although the configuration is broken: the old workers serve on.', async () => {
  const served = await serve(['app.js'], { files: FILES });
  writeFileSync(join(served.folder, 'deed'), "tell({ type: 'can start' }); process.exit(0);");
  served.running.kill('SIGUSR2');
  await served.until(/has taken this process over/);
  await served.until(/The new version is not put into service: .*Generation 0 serves on/);
  expect(await served.ask()).toBe('served');
  expect(await served.stop()).toBe('status 0');
});

test('Neither it nor workers have a descriptor of what is handed over, nor of what the manager shows.', async () => {
  const served = await serve(['app.js'], { files: FILES });
  const links = `fs.readdirSync('/proc/self/fd').map((fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } })`;
  writeFileSync(
    join(served.folder, 'deed'),
    `console.log('trial has ' + ${links}.join(' ')); fs.rmSync('deed');`,
  );
  served.running.kill('SIGUSR2');
  await served.until(/Every worker has been replaced/);
  await served.until(/trial has .*\n/);
  const [, ofTrial = ''] = /trial has (.*)/.exec(served.running.stdout) ?? [];
  // One that is just being replaced has descriptors until it has none.
  while (served.running.children().length !== 2) await setImmediate();
  const ofChildren = served.running.children().flatMap((pid) => openFilesOf(pid));
  expect(ofTrial).toMatch(/socket:/);
  expect(ofChildren.length).toBeGreaterThan(0);
  // In these workers write; the manager reads nothing of it.
  const isForWorkers = (link: string) => /memfd:prefork-(metrics|broadcast)/.test(link);
  expect(ofTrial).not.toMatch(/memfd:prefork/);
  for (const link of ofChildren) if (!isForWorkers(link)) expect(link).not.toMatch(/memfd:prefork/);
  expect(openFilesOf(served.running.pid).join(' ')).toMatch(/memfd:prefork/);
  expect(await served.stop()).toBe('status 0');
});
