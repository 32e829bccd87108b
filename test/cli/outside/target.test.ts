/** TARGET is a pid, a pid file, a name, or nothing if only one manager runs; what is none says why, and is sent nothing. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VERSION } from '../../../lib/manager/shown/form';
import type { Sight } from '../../../lib/manager/shown/sight';
import { COMMAND, folderWith, prefork, program } from '../../helpers/command';
import { eventually } from '../../helpers/eventually';
import { asNobody, isRoot, NOBODY, sharedFolder } from '../../helpers/nobody';
import { stateOf } from '../../helpers/proc';
import type { Program } from '../../helpers/run';
import { type Served, serve } from '../../helpers/served';
import { ROOT } from '../../helpers/stdin';

const APP = "require('node:http').createServer((_, r) => r.end('here')).listen(0, '127.0.0.1');";

const uniqueName = () => `shop-${randomUUID()}`;

function start(
  options: string[],
  files: Record<string, string> = {},
  application = 'app.js',
): Promise<Served> {
  return serve([application, '-w', '1', ...options], {
    files: { 'app.js': APP, ...files },
    until: /1 worker ready/,
  });
}

async function status(folder: string, ...args: string[]) {
  const { status, stdout, stderr } = await prefork(folder, ['status', ...args]).result;
  return { status, stdout, stderr };
}

async function sight(folder: string, target: string): Promise<Sight> {
  const { status: code, stdout, stderr } = await status(folder, '--json', target);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Sight;
}

async function refusal(folder: string, ...args: string[]): Promise<string> {
  const { status: code, stdout, stderr } = await status(folder, ...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  return stderr;
}

test('By pid, by pid file and by name it is the same manager.', async () => {
  const name = uniqueName();
  const served = await start(['--name', name, '--pid-file', 'shop.pid']);
  for (const target of [String(served.running.pid), 'shop.pid', join(served.folder, 'shop.pid'), name]) {
    expect((await sight(served.folder, target)).manager.pid).toBe(served.running.pid);
  }
  expect(await served.stop()).toBe('status 0');
});

test('An attendant, which serves what its manager shows, is taken for no manager.', async () => {
  const name = uniqueName();
  const served = await start(['--name', name, '--status', '127.0.0.1:0']);
  const port = Number(/The status is served on .*:(\d+)/.exec(served.log)?.[1]);
  expect(await served.ask('/healthz', { port })).toBe('alive\n'); // so it has the descriptor
  const { manager, others } = await sight(served.folder, name);
  expect(manager.pid).toBe(served.running.pid);
  const attendant = others.find(({ role }) => role === 'attendant')?.pid;
  expect(await refusal(served.folder, String(attendant))).toContain(
    `Process ${attendant} is no manager of prefork`,
  );
  expect(await served.stop()).toBe('status 0');
});

test('A folder of that name is no pid file.', async () => {
  const name = uniqueName();
  const served = await start(['--name', name], { [`${name}/file`]: '' });
  expect((await sight(served.folder, name)).manager.pid).toBe(served.running.pid);
  expect(await served.stop()).toBe('status 0');
});

test('Without --name it is called as its package, also from a folder that has a package.json without a name.', async () => {
  const name = `@acme/${uniqueName()}`;
  const files = {
    'package.json': JSON.stringify({ name, version: '1.4.2-rc.1' }),
    'dist/package.json': '{ "type": "commonjs" }',
    'dist/app.js': APP,
  };
  const served = await start([], files, 'dist/app.js');
  expect(await sight(served.folder, name)).toMatchObject({
    name,
    application: { path: join(served.folder, 'dist', 'app.js'), version: '1.4.2-rc.1' },
  });
  expect(await served.stop()).toBe('status 0');
});

test('Without a package it is called as its file.', async () => {
  const file = uniqueName();
  const served = await start([], { [`${file}.js`]: APP }, `${file}.js`);
  expect(await sight(served.folder, file)).toMatchObject({ name: file, application: { version: null } });
  expect(await served.stop()).toBe('status 0');
});

test('Of two that have one name, none is taken; both are listed.', async () => {
  const name = uniqueName();
  const [one, two] = await Promise.all([start(['--name', name]), start(['--name', name])]);
  const listed = [one, two]
    .map(({ running, folder }) => ({ pid: running.pid, folder }))
    .sort((first, second) => first.pid - second.pid)
    .map(({ pid, folder }) => `${pid} ${name} ${folder}/app.js`);
  expect((await refusal(one.folder, name)).split(/(?<=\.) /)).toEqual([
    `prefork: 2 managers are called ${name}: say which by its pid.`,
    `Running: ${listed.join(', ')} (ERR_PREFORK_INVALID_ARG_VALUE)\n`,
  ]);
  for (const served of [one, two]) expect(await served.stop()).toBe('status 0');
});

test('No name may be a number, nor look like a path.', async () => {
  for (const name of ['4711', './shop', '/shop', '-shop', 'a b', '']) {
    const { status: code, stderr } = await prefork(folderWith({ 'app.js': APP }), [
      'app.js',
      `--name=${name}`,
    ]).result;
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^prefork: Expected a name of letters, .* for --name but received .*\(ERR_PREFORK_INVALID_ARG_VALUE\)\n$/,
    );
  }
});

/** Holds a file in memory of that name and content. */
async function impostor(name: string, content: string): Promise<Program> {
  const source = `
    const { binding } = require(${JSON.stringify(join(ROOT, 'dist', 'base', 'binding.js'))});
    require('node:fs').writeSync(binding.memory_file(${JSON.stringify(name)}, false), ${JSON.stringify(content)});
    console.log('there');
    process.stdin.resume();`;
  const running = program(process.execPath, ['-e', source], {});
  await running.line();
  return running;
}

test('A manager of another version says so.', async () => {
  const other = await impostor('prefork-manager:1', '');
  expect(await refusal(folderWith({}), String(other.pid))).toBe(
    `prefork: Process ${other.pid} is a manager of another version of prefork: use the command of that version, ` +
      'or send it signals (ERR_PREFORK_UNSUPPORTED)\n',
  );
  other.endInput();
  expect(await other.exit()).toBe('status 0');
});

test.each([
  ['no JSON', '1\n{\n1\n'],
  ['something else', '1\n{"pid":1}\n1\n'],
  ['null', '1\nnull\n1\n'],
  ['a list', '1\n[]\n1\n'],
])('What it shows is %s: it is not believed.', async (_, content) => {
  const other = await impostor(`prefork-manager:${VERSION}`, content);
  expect(await refusal(folderWith({}), String(other.pid))).toBe(
    'prefork: The manager shows what this version does not understand (ERR_PREFORK_UNSUPPORTED)\n',
  );
  other.endInput();
  expect(await other.exit()).toBe('status 0');
});

test('A process that has ended and was not reaped is gone.', async () => {
  // It ends when its parent has become cat, which reaps nobody: a shell might.
  const child = 'sh -c "while grep -q sh /proc/$$/comm; do :; done"';
  const parent = program('sh', ['-c', `${child} & echo $!; exec cat`], {});
  const pid = await parent.line();
  await eventually(() => stateOf(Number(pid)) === 'Z');
  expect(await refusal(folderWith({}), pid)).toBe(
    `prefork: There is no process ${pid} (ERR_PREFORK_INVALID_ARG_VALUE)\n`,
  );
  parent.endInput();
  expect(await parent.exit()).toBe('status 0');
});

test('An option of a start is refused, for it would have no effect.', async () => {
  const { status: code, stderr } = await status(folderWith({}), '--name', 'shop');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'error: --name is an option of a start, not of prefork status\nSee prefork --help.\n',
  });
});

/** The command as nobody. */
function asNobodyStatus(...args: string[]): Program {
  const line = JSON.stringify([process.execPath, COMMAND, 'status', ...args]);
  return asNobody(`process.argv = ${line}; require(${JSON.stringify(COMMAND)});`);
}

const WITHOUT_PTRACE = ['--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace'];
const hasSetpriv = spawnSync('setpriv', [...WITHOUT_PTRACE, 'true']).status === 0;

describe.skipIf(!isRoot)('Of several users', () => {
  test("Root's manager is not looked into by nobody, who hears whose it is.", async () => {
    const name = uniqueName();
    const served = await start(['--name', name]);
    const { status: code, stderr } = await asNobodyStatus(String(served.running.pid)).result;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `prefork: Process ${served.running.pid} belongs to user 0: only that user and root may look into it (EACCES)\n`,
    });
    const byName = await asNobodyStatus(name).result;
    expect(byName.stderr).toContain(`There is no pid file ${name}, and no manager of that name. `);
    expect(byName.stderr).not.toContain(String(served.running.pid));
    expect(await served.stop()).toBe('status 0');
  });

  test.skipIf(!hasSetpriv)(
    'One that the kernel hides from a root without CAP_SYS_PTRACE says what is needed.',
    async () => {
      const name = uniqueName();
      const { folder, theirs } = sharedFolder();
      const app = APP.replace("0, '127.0.0.1'", JSON.stringify(join(theirs, 'socket')));
      const served = await start(
        ['--name', name, '--user', String(NOBODY), '--group', String(NOBODY), '--load-as-root'],
        {
          'app.js': app,
        },
      );
      const { pid } = served.running;
      const line = [...WITHOUT_PTRACE, process.execPath, COMMAND, 'status', String(pid)];
      const { status: code, stderr } = await program('setpriv', line, { cwd: folder }).result;
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr:
          `prefork: The kernel lets nobody look into process ${pid} without CAP_SYS_PTRACE, for it has bound a socket ` +
          'as another user: run this as root, in a container with --cap-add SYS_PTRACE (EACCES)\n',
      });
      expect((await sight(served.folder, name)).manager.pid).toBe(pid);
      expect(await served.stop()).toBe('status 0');
    },
  );

  test("Root looks into everybody's, also with workers of another user.", async () => {
    const name = uniqueName();
    const served = await start([
      '--name',
      name,
      '--user',
      String(NOBODY),
      '--group',
      String(NOBODY),
      '--load-as-root',
    ]);
    const { workers, ready } = await sight(served.folder, name);
    expect({ ready, workers }).toMatchObject({ ready: 1, workers: [{ state: 'ready' }] });
    expect(await served.stop()).toBe('status 0');
  });
});

const NAMESPACE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
const hasNamespaces = spawnSync('unshare', [...NAMESPACE.slice(1), 'true']).status === 0;

describe.skipIf(!hasNamespaces)('Without TARGET', () => {
  /** A machine of its own, with so many managers. */
  async function machineWith(names: string[]): Promise<string> {
    const files = Object.fromEntries(names.map((name) => [`${name}.js`, APP]));
    const folder = folderWith(files);
    // Each writes its pid file once it serves.
    const starts = names.map(
      (name) => `node "$COMMAND" ${name}.js -w 1 --name ${name} --pid-file ${name}.pid & `,
    );
    const ready = names.map((name) => `until [ -s ${name}.pid ]; do sleep 0.01; done; `);
    const script = `${starts.join('')} ${ready.join('')} node "$COMMAND" status; echo "status $?"`;
    const [command = '', ...args] = [...NAMESPACE, 'sh', '-c', script];
    const env = { COMMAND, PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` };
    const running = program(command, args, { cwd: folder, env });
    await running.until(/status \d\n/);
    running.killGroup();
    return running.stdout + running.stderr.replace(/^\d{4}-.*\n/gm, '');
  }

  test('it is the only one that runs.', async () => {
    expect(await machineWith(['shop'])).toMatch(/^shop {2}\S+\/shop\.js\n[\s\S]*\nstatus 0\n$/);
  });

  test('there is none: it says so.', async () => {
    expect(await machineWith([])).toBe(
      'status 1\nprefork: No manager runs that this user may look into. Those of other users are seen by root ' +
        '(ERR_PREFORK_INVALID_ARG_VALUE)\n',
    );
  });

  test('there are several: it lists them.', async () => {
    expect(await machineWith(['shop', 'mail'])).toMatch(
      /^status 1\nprefork: 2 managers run: say which, by pid, pid file or name\. Running: \d+ \w+ \S+\/\w+\.js, \d+ \w+ \S+\/\w+\.js \(ERR_PREFORK_INVALID_ARG_VALUE\)\n$/,
    );
  });
});
