/** The configuration is read in a process of its own: the manager gets data from it, and nothing that it does is the manager's. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFailed, test } from 'vitest';
import { COMMAND, type Files, folderWith, program } from '../helpers/command';
import { isRoot, NOBODY } from '../helpers/nobody';
import type { Program } from '../helpers/run';
import { type Served, serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

const SERVER = `
  require('node:http').createServer((_, response) => response.end('served')).listen(0, '127.0.0.1');`;

interface Said {
  what: string;
  pid: number;
  ppid: number;
  uid: number;
}

const says = (what: string) => `
  console.log(JSON.stringify({ what: '${what}', pid: process.pid, ppid: process.ppid, uid: process.geteuid() }));`;

function saidIn({ stdout }: Program): Said[] {
  return stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Said] : []));
}

/** Everybody can read what is there. */
function publicFolder(files: Files): string {
  const folder = folderWith(files);
  chmodSync(folder, 0o755);
  return folder;
}

/** Until it serves. */
async function run(files: Files, args: string[]): Promise<Program> {
  const folder = publicFolder(files);
  const running = program(process.execPath, [COMMAND, ...args], { cwd: folder, deadman: 60_000 });
  onTestFailed(() => console.error(`${args.join(' ')}\n${running.stdout}\n${running.stderr}`));
  await running.until(/workers? ready/);
  return running;
}

async function stop(running: Program): Promise<void> {
  running.kill('SIGTERM');
  expect(await running.exit()).toBe('status 0');
}

const configuration = (settings = '') =>
  `${says('configuration')} module.exports = { ${settings} workers: 1, title: 'shop' };`;

const FILES = {
  'first.js': says('module'),
  'prefork.config.js': configuration(),
  'app.js': `${says('application')}${SERVER}`,
};

describe('Where it runs', () => {
  test('in a process that ends with that, and again in the template; never in the manager.', async () => {
    const running = await run(FILES, ['--import', './first.js', 'app.js']);
    const said = saidIn(running);
    const [reader, template] = [said[0]?.pid, said.at(-1)?.pid];
    expect(said.map(({ what, pid }) => ({ what, pid }))).toEqual([
      { what: 'module', pid: reader },
      { what: 'configuration', pid: reader },
      { what: 'module', pid: template },
      { what: 'configuration', pid: template },
      { what: 'application', pid: template },
    ]);
    expect(new Set(said.map(({ ppid }) => ppid))).toEqual(new Set([running.pid]));
    // Killed when it had said what it had read, it ends soon.
    while (running.children().some((pid) => pid === reader)) await setImmediate();
    expect(running.children()).toContain(template);
    await stop(running);
  });

  test('nowhere but in that process if it is JSON; and there is no such process without a file.', async () => {
    const { 'prefork.config.js': _, ...files } = FILES;
    for (const more of [{ 'prefork.config.json': '{ "workers": 1 }' }, {}]) {
      const running = await run({ ...files, ...more }, ['--import', './first.js', '-w', '1', 'app.js']);
      expect(saidIn(running).map(({ what }) => what)).toEqual(['module', 'application']);
      await stop(running);
    }
  });

  const HOOKS = `workerReady() { ${says('hook')} }, afterFork() { ${says('hook')} }`;
  const watching = (user: string) =>
    `${says('configuration')} module.exports = { ${user} workers: 1, hooks: { ${HOOKS} } };`;

  test.runIf(isRoot).each([
    { named: 'on the command line', whose: 'theirs', args: ['--user', 'nobody'], reader: NOBODY },
    { named: 'in the environment', whose: 'theirs', env: { PREFORK_USER: 'nobody' }, reader: NOBODY },
    { named: 'by the file alone', whose: 'those of root', user: "user: 'nobody',", reader: 0 },
  ])(
    'with a user who is named $named it is read with rights that are $whose, and its hooks run with theirs.',
    async ({ args = [], env = {}, user = '', reader }) => {
      const folder = publicFolder({ ...FILES, 'prefork.config.js': watching(user) });
      const line = [COMMAND, ...args, '--import', './first.js', 'app.js'];
      const running = program(process.execPath, line, { cwd: folder, env });
      // By the worker, and by the attendant, which has been started when it was ready.
      await running.until(/"what":"hook"/, 2);
      const said = saidIn(running);
      const by = (what: string) => said.filter((each) => each.what === what).map(({ uid }) => uid);
      expect(by('module')).toEqual([reader, NOBODY, NOBODY]);
      expect(by('configuration')).toEqual([reader, NOBODY, NOBODY]);
      expect(by('application')).toEqual([NOBODY]);
      expect(by('hook')).toEqual([NOBODY, NOBODY]);
      await stop(running);
    },
  );

  test.runIf(isRoot)(
    'with the rights of the workers in each worker that loads the application.',
    async () => {
      const args = ['--user', 'nobody', '--preload', 'no', '-w', '2', '--import', './first.js', 'app.js'];
      const running = await run(FILES, args);
      const said = saidIn(running);
      expect(said.filter(({ what }) => what === 'configuration')).toHaveLength(3);
      expect(new Set(said.map(({ uid }) => uid))).toEqual(new Set([NOBODY]));
      await stop(running);
    },
  );

  test.runIf(isRoot)('with the rights of the manager under --load-as-root.', async () => {
    const running = await run(FILES, ['--user', 'nobody', '--load-as-root', 'app.js']);
    expect(new Set(saidIn(running).map(({ uid }) => uid))).toEqual(new Set([0]));
    await stop(running);
  });
});

/** What it can say to the manager by itself, as a worker that misbehaves can. */
const TELLS = `
  const { binding } = require('${ROOT}/dist/base/binding.js');
  const isChannel = (fd) => binding.socket_getsockopt(fd, 1 /* SOL_SOCKET */, 3 /* SO_TYPE */) === 5;
  const channel = require('node:fs').readdirSync('/proc/self/fd').map(Number).find(isChannel);
  const say = (text) => binding.channel_send(channel, Buffer.from(text), new Int32Array(0));
  const found = (written, hooks = [], addresses = {}) =>
    say(JSON.stringify({ type: 'found', found: { written, hooks, addresses } }));
  const forever = () => { for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); };`;

const KILLED = /reads (?:the|its) configuration was killed by SIGKILL, and had not finished/;

interface Misdeed {
  what: string;
  source: string;
  /** 1, unless it has said itself what is wrong. */
  status?: number;
  says: RegExp;
  /** --boot-timeout, if that is what ends it. */
  patience?: string;
}

const MISDEEDS: Misdeed[] = [
  { what: 'throws', source: "throw new Error('broken');", status: 2, says: /Cannot load .*: Error: broken/ },
  {
    what: 'has a setting that cannot be',
    source: "module.exports = { workers: 'many' };",
    status: 2,
    says: /for workers in prefork\.config\.js but received 'many'/,
  },
  {
    what: 'contradicts the command line',
    source: "module.exports = { restart: { minDelay: '1h' } };",
    status: 2,
    says: /Expected at least --restart-min-delay \(3600000 ms\)/,
  },
  {
    what: 'says more than the manager takes',
    source: "module.exports = { rehearse: Array.from({ length: 60 }, () => '/'.padEnd(2000, 'x')) };",
    status: 2,
    says: /prefork\.config\.js are longer than 65536 bytes/,
  },
  {
    what: 'names a host that nobody knows',
    source: "module.exports = { bind: 'nowhere.invalid:8080' };",
    says: /Cannot listen on nowhere\.invalid:8080: unknown host name/,
  },
  {
    what: 'ends without a word',
    source: 'process.exit(0);',
    says: /reads (?:the|its) configuration exited with status 0, and had not finished/,
  },
  { what: 'is killed', source: "process.kill(process.pid, 'SIGKILL');", says: KILLED },
  {
    what: 'never ends',
    source: 'for (;;);',
    patience: '4s',
    says: /onfiguration could not be read within 4 s/,
  },
  {
    what: 'closes its channel and never ends',
    source: `${TELLS} binding.socket_close(channel); forever();`,
    patience: '4s',
    says: /onfiguration could not be read within 4 s/,
  },
  { what: 'sends garbage', source: `${TELLS} say('{"type":'); forever();`, says: /sent an invalid message/ },
  {
    what: 'sends half of what it should',
    source: `${TELLS} say('{"type":"found","found":{"written":{}}}'); forever();`,
    says: /sent an invalid message/,
  },
  {
    what: 'sends an address that is none',
    source: `${TELLS} found({ bind: 'a:80' }, [], { a: 'b' }); forever();`,
    says: /sent an invalid message/,
  },
  {
    what: 'sends a host without its address',
    source: `${TELLS} found({ bind: 'a:80' }); forever();`,
    says: /The host a has not been looked up/,
  },
  {
    what: 'sends a setting that cannot be',
    source: `${TELLS} found({ workers: 1e9 }); forever();`,
    says: /sent 'found', which failed: .*for workers in the configuration/,
  },
  {
    what: 'sends a setting that there is not',
    source: `${TELLS} say('{"type":"found","found":{"written":{"__proto__":1},"hooks":[],"addresses":{}}}'); forever();`,
    says: /sent 'found', which failed: .*Unknown setting __proto__/,
  },
  {
    what: 'asks for a socket',
    source: `${TELLS} say('{"type":"listen","bind":{"kind":"tcp","host":"127.0.0.1","port":81}}'); forever();`,
    says: /asked for a socket, but runs no application/,
  },
  {
    what: 'claims to be a template',
    source: `${TELLS} say('{"type":"loaded"}'); forever();`,
    says: /reported a load that was not under way/,
  },
  {
    what: 'never stops talking',
    source: `${TELLS} for (;;) say('{"type":"not found","why":"' + 'x'.repeat(8000) + '"}');`,
    says: /sent more than \d+ messages in a second/,
  },
];

const line = ({ patience = '60s' }: Partial<Misdeed>) => ['--boot-timeout', patience, '-w', '1', 'app.js'];

describe('One that', () => {
  test.each(MISDEEDS)('$what is the end of a start, and the reason is told.', async (misdeed) => {
    const { source, status = 1, says } = misdeed;
    const folder = folderWith({ ...FILES, 'prefork.config.js': source });
    const running = program(process.execPath, [COMMAND, ...line(misdeed)], { cwd: folder });
    const result = await running.result;
    expect(result.stderr).toMatch(says);
    expect(result.stderr).not.toContain('manager_failed');
    expect(result.status).toBe(status);
    expect(result.stdout).not.toContain('application');
  });

  test.each(MISDEEDS)('$what is refused by a reload, and the old version serves on.', async (misdeed) => {
    const { source, says, patience = '60s' } = misdeed;
    // Written there it counts from the next reading on: the first version is not to be late.
    const patient = { ...FILES, 'prefork.config.js': configuration(`bootTimeout: '${patience}',`) };
    const served = await serve(['-w', '1', 'app.js'], { files: patient });
    const configure = (text: string) => writeFileSync(join(served.folder, 'prefork.config.js'), text);
    configure(source);
    served.running.kill('SIGHUP');
    await served.until(/The new version is not put into service: .*\. Generation 0 serves on/);
    expect(served.log).toMatch(says);
    expect(await served.ask()).toBe('served');
    configure(FILES['prefork.config.js']);
    served.running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/);
    await onlyOfGeneration(served);
    expect(await served.stop()).toBe('status 0');
  });
});

/** Manager, template and worker, and nobody that has been given up. */
async function onlyOfGeneration(served: Served): Promise<void> {
  while (served.running.children().length !== 2) await new Promise((resolve) => setTimeout(resolve, 10));
}

test.runIf(isRoot)(
  'What it says of rights counts for nothing if the command line names the user.',
  async () => {
    const lie = "found({ workers: 2, user: 'root', group: 'root', loadAsRoot: true })";
    const source = `${TELLS} if (process.title.includes('configuration')) { ${lie}; forever(); }`;
    const app = `console.log(JSON.stringify({ what: process.getegid(), uid: process.geteuid() })); ${SERVER}`;
    const running = await run({ 'app.js': app, 'prefork.config.js': source }, ['--user', 'nobody', 'app.js']);
    expect(running.stderr).toMatch(/2 workers ready/);
    expect(saidIn(running)).toEqual([{ what: NOBODY, uid: NOBODY }]);
    await stop(running);
  },
);

test('The reason for which a reload is refused reaches the command that asked for it.', async () => {
  const served = await serve(line({}), { files: FILES });
  writeFileSync(join(served.folder, 'prefork.config.js'), "module.exports = { workers: 'many' };");
  const { folder } = served;
  const ask = [COMMAND, 'reload', String(served.running.pid)];
  const { status, stderr } = await program(process.execPath, ask, { cwd: folder }).result;
  expect(status).toBe(1);
  expect(stderr).toMatch(/not put into service: .*for workers in prefork\.config\.js but received 'many'/);
  expect(await served.stop()).toBe('status 0');
});
