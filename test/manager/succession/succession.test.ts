/** SIGUSR2: another Node and another prefork take the manager's process over, or it goes on; no request and no signal is lost. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folderWith, prefork, program } from '../../helpers/command';
import { eventually } from '../../helpers/eventually';
import { get, Load } from '../../helpers/manager';
import { ROOT } from '../../helpers/stdin';
import { Knocking, lead, start, version } from '../../helpers/succession';

const NODES = join(ROOT, '.node-versions');

function startTimeOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19] ?? '';
}

test('New code under the same pid, again and again: nothing is lost under load, and nothing accumulates.', async () => {
  const { port, folder, running, until, change, ask, stop } = await start({
    args: ['--pid-file', 'shop.pid'],
  });
  const loads = [new Load(port), new Knocking(port)];
  const started = startTimeOf(running.pid);
  const descriptors: number[] = [];
  for (let number = 2; number <= 5; number++) {
    change(number);
    running.kill('SIGUSR2');
    await until('replaced_all', number - 1);
    await eventually(() => running.children().length === 3); // two workers and a template: the old ones have gone
    expect(await ask()).toBe(`version ${number} on ${process.version}`);
    await running.asleep(); // it closes what was for talking to them when it has reaped them
    descriptors.push(readdirSync(`/proc/${running.pid}/fd`).length);
  }
  for (const load of loads) await load.stop();
  for (const load of loads) {
    expect(load.errors).toEqual([]);
    expect(load.answered).toBeGreaterThan(50);
  }
  expect(new Set(descriptors).size).toBe(1);
  expect(startTimeOf(running.pid)).toBe(started);
  expect(readFileSync(join(folder, 'shop.pid'), 'latin1')).toBe(`${running.pid}\n`);
  // The successor holds its lock, and serves `prefork reload`.
  const second = await prefork(folder, ['app.js', '--bind', '127.0.0.1:0', '--pid-file', 'shop.pid']).result;
  expect(second.stderr).toContain(`belongs to process ${running.pid}, which is running`);
  expect((await prefork(folder, ['reload', 'shop.pid']).result).status).toBe(0);
  expect(await stop()).toBe('status 0');
  expect(existsSync(join(folder, 'shop.pid'))).toBe(false);
});

const OTHERS = (existsSync(NODES) ? readdirSync(NODES) : []).filter(
  (name) => /^\d/.test(name) && `v${name}` !== process.version,
);

test.skipIf(OTHERS.length === 0)('Another Node, by a link that leads elsewhere by then.', async () => {
  const { node, running, until, ask, stop } = await start();
  for (const [index, name] of OTHERS.entries()) {
    lead(node, join(NODES, name, 'package', 'bin', 'node'));
    running.kill('SIGUSR2');
    expect(await until('succession_finished', index + 1)).toContain(`Node.js v${name} with prefork`);
    await until('replaced_all', index + 1);
    await eventually(async () => (await ask()) === `version 1 on v${name}`);
  }
  expect(await stop()).toBe('status 0');
});

test.each(['SIGTERM', 'SIGHUP', 'SIGUSR2'] as const)('%s right after SIGUSR2.', async (signal) => {
  const { port, running, until, change, ask, stop } = await start();
  const load = new Load(port);
  change(2);
  running.kill('SIGUSR2');
  running.kill(signal);
  if (signal === 'SIGTERM') {
    expect(await running.exit()).toBe('status 0');
    await load.refused();
  } else {
    await until('succession_finished');
    await until('replaced_all');
    await eventually(async () => /^version 2 /.test(await ask()));
    await load.stop();
    expect(load.errors).toEqual([]);
    expect(await stop()).toBe('status 0');
  }
});

test('SIGUSR2 while the application is loaded for the first time is refused.', async () => {
  const folder = folderWith({ 'app.js': "console.log('loading'); setInterval(() => {}, 1000)" });
  const running = prefork(folder, ['app.js']);
  await running.until(/loading/);
  running.kill('SIGUSR2');
  await running.until(/does not take over: the application has not been loaded yet. This one goes on/);
  running.kill('SIGTERM');
  expect((await running.result).status).toBe(0);
});

test('As process 1 of a container.', async () => {
  const under = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { port, running, until, change, ask } = await start({ under });
  const [manager = 0] = running.children();
  const load = new Load(port);
  change(2);
  process.kill(manager, 'SIGUSR2');
  await until('replaced_all');
  await eventually(async () => /^version 2 /.test(await ask()));
  await load.stop();
  expect(load.errors).toEqual([]);
  expect(running.children()).toEqual([manager]);
  process.kill(manager, 'SIGTERM');
  expect(await running.exit()).toBe('status 0');
});

test('A successor that is killed takes the workers of its predecessor with it.', async () => {
  const { running, slowly } = await start({ slow: true });
  slowly();
  running.kill('SIGUSR2');
  await running.until(/starting\n/);
  running.kill('SIGKILL');
  expect(await running.exit()).toBe('SIGKILL');
  await running.gone();
});

test('As a preload.', async () => {
  const { running, change, ask, stop } = await start({ auto: true, env: { PREFORK_WORKERS: '2' } });
  change(2);
  running.kill('SIGUSR2');
  await running.until(/Every worker has been replaced/);
  await eventually(() => running.children().length === 3);
  expect(await ask()).toBe(`version 2 on ${process.version}`);
  expect(await stop()).toBe('status 0');
});

test('With a queue for each worker, and the turns that they take.', async () => {
  const { port, running, until, change, stop } = await start({ args: ['--balanced'] });
  const loads = [new Load(port), new Knocking(port)];
  change(2);
  running.kill('SIGUSR2');
  await until('replaced_all');
  running.kill('SIGTTIN');
  await until('worker_added');
  await eventually(() => running.workers().length === 3);
  for (const load of loads) await load.stop();
  for (const load of loads) expect(load.errors).toEqual([]);
  expect(await stop()).toBe('status 0');
});

test('A Unix socket stays the same file, which the successor removes at its end.', async () => {
  const { folder, running, until, change, stop } = await start({ args: ['--bind', 'unix:shop.sock'] });
  const ask = () => get({ socketPath: join(folder, 'shop.sock') });
  change(2);
  running.kill('SIGUSR2');
  await until('replaced_all');
  await eventually(async () => /^version 2 /.test(await ask()));
  expect(await stop()).toBe('status 0');
  expect(existsSync(join(folder, 'shop.sock'))).toBe(false);
});

test('A socket of UDP stays the same, so that every datagram is answered.', async () => {
  const { folder, port, running, until, stop } = await start();
  const udp = (number: number) => `${version(number, port)}
    const socket = require('node:dgram').createSocket('udp4').bind(${port}, '127.0.0.1');
    socket.on('message', (text, { port, address }) => socket.send(text + ' of ${number}', port, address));`;
  const deploy = async (number: number, signal: NodeJS.Signals) => {
    writeFileSync(join(folder, 'app.js'), udp(number));
    running.kill(signal);
    await until('replaced_all', number - 1);
    await eventually(() => running.children().length === 3);
  };
  await deploy(2, 'SIGHUP');
  const client = createSocket('udp4');
  onTestFinished(() => void client.close());
  const failures: string[] = [];
  client.on('error', ({ message }) => failures.push(message));
  client.connect(port, '127.0.0.1');
  await once(client, 'connect');
  let asked = 0;
  let isOver = false;
  const exchange = async () => {
    client.send(`datagram ${++asked}`);
    const answer = String((await once(client, 'message'))[0]);
    if (!answer.startsWith(`datagram ${asked} of`)) failures.push(answer);
    return answer;
  };
  const asking = (async () => {
    while (!isOver) await exchange();
  })();
  await deploy(3, 'SIGUSR2');
  await deploy(4, 'SIGUSR2');
  await eventually(() => asked > 100);
  isOver = true;
  await asking;
  // The one before may have been answered while there was an old worker.
  expect(await exchange()).toMatch(/ of 4$/);
  expect(failures).toEqual([]);
  expect(await stop()).toBe('status 0');
});

test('A log that was renamed meanwhile is reopened by its name.', async () => {
  const folder = folderWith({ 'app.js': version(1, 0) });
  const running = program(
    'sh',
    ['-c', 'exec "$@" 2> log', 'sh', process.execPath, join(ROOT, 'dist/cli/main.js'), 'app.js'],
    {
      cwd: folder,
    },
  );
  const log = (name = 'log') =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';
  await eventually(() => /workers? ready/.test(log()));
  renameSync(join(folder, 'log'), join(folder, 'old'));
  running.kill('SIGUSR2');
  await eventually(() => /Every worker has been replaced/.test(log('old')));
  running.kill('SIGUSR1');
  await eventually(() => existsSync(join(folder, 'log')));
  running.kill('SIGTERM');
  expect((await running.result).status).toBe(0);
  expect(log()).toMatch(/All workers have ended/);
});

test('LD_PRELOAD and the environment are as before, in workers too.', async () => {
  const { running, folder, port, until, stop } = await start({ env: { MINE: '' } });
  const source = `
    const names = ['LD_PRELOAD', 'PREFORK_SUCCESSION', 'MINE'];
    require('node:http').createServer((_, response) => {
      response.end(JSON.stringify(names.map((name) => process.env[name] ?? null)));
    }).listen(${port}, '127.0.0.1');`;
  mkdirSync(join(folder, 'x'));
  writeFileSync(join(folder, 'app.js'), source);
  running.kill('SIGUSR2');
  await until('replaced_all');
  await eventually(() => running.children().length === 3);
  expect(await get({ port })).toBe('[null,null,""]');
  expect(await stop()).toBe('status 0');
});
