/**
 * New versions put into service under load, by SIGHUP and by SIGUSR2: nothing is lost, nobody gets an answer of a version of
 * which no worker is left, and a version that is broken, however it is, changes nothing. RELOADS says how many there are;
 * every fifth is broken.
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { get } from '../helpers/manager';
import { isRoot } from '../helpers/nobody';
import { freePort } from '../helpers/port';
import { Wrk } from '../helpers/wrk';
import { application, Clients, Deployment } from './deployment';

const RELOADS = Number(process.env['RELOADS'] ?? 50);
/** Seconds; of which a version that blocks its loop while it loads takes five more. */
const BOOT_TIMEOUT = 10;
const DEADMAN = 60_000 + RELOADS * 40_000;
const ACTIVATE = '/usr/bin/systemd-socket-activate';

type Broken = (port: number, taken: number) => string | null;

const BROKEN: [string, Broken][] = [
  ['does not parse', () => 'this is no JavaScript'],
  ['throws', () => "throw new Error('no such table')"],
  ['exits', () => 'process.exit(0)'],
  ['is not there', () => null],
  ['kills itself', () => "process.kill(process.pid, 'SIGKILL')"],
  ['needs a package that is not there', () => "require('no-such-package')"],
  ['rejects', () => "Promise.reject(new Error('no database'))"],
  [
    'listens on an address that is taken',
    (port, taken) => application(0, port, `createServer().listen(${taken}, '127.0.0.1');`),
  ],
  ['crashes when it listens', (port) => application(0, port, "process.nextTick(() => { throw 'no'; });")],
  ['is never ready', (port) => application(0, port, 'for (;;);')],
  ['blocks its loop while it loads', () => 'for (;;);'],
  ['waits for ever', () => 'setInterval(() => {}, 1000)'],
];

const WAYS: [
  string,
  (port: number) => Pick<ConstructorParameters<typeof Deployment>[0], 'under' | 'isChild'>,
][] = [
  ['alone', () => ({})],
  [
    'as process 1',
    () => ({ under: ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'], isChild: true }),
  ],
  ['under systemd-socket-activate', (port) => ({ under: [ACTIVATE, '--listen', `127.0.0.1:${port}`] })],
];

const SIGNALS = ['SIGHUP', 'SIGUSR2'] as const;

function isPossible(way: string): boolean {
  return way === 'alone' || (way === 'as process 1' ? isRoot : existsSync(ACTIVATE));
}

/** Which is what starts a service that is activated. */
async function firstAnswer(port: number): Promise<void> {
  for (;;) {
    try {
      await get({ port });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const CASES = WAYS.filter(([way]) => isPossible(way)).flatMap(([way, how]) =>
  SIGNALS.map((signal) => ({ way, how, signal })),
);

test.each(CASES)('$signal, $way', async ({ how, signal }) => {
  const port = freePort();
  const taken = createServer().listen(0, '127.0.0.1');
  const options = ['--boot-timeout', `${BOOT_TIMEOUT}s`];
  const deployment = new Deployment({ port, ...how(port), options, deadman: DEADMAN });
  await Promise.race([firstAnswer(port), deployment.running.exit()]);
  await deployment.until('workers_ready');
  const clients = new Clients(port);
  const load = [new Wrk(port, 8), new Wrk(port, 8, ['Connection: close'])];
  let refused = 0;
  for (let version = 2; version <= RELOADS + 1; version++) {
    const before = deployment.children();
    const broken = version % 5 === 0 ? BROKEN[refused++ % BROKEN.length] : undefined;
    if (broken === undefined) {
      clients.expect(version);
      deployment.write(application(version, port));
      deployment.signal(signal);
      await deployment.until('replaced_all');
      await deployment.untilChildren((now) => !now.some((pid) => before.includes(pid)));
      clients.expectOnly(version);
    } else {
      const [what, source] = broken;
      deployment.write(source(port, (taken.address() as { port: number }).port));
      deployment.signal(signal);
      // What is not there the other program refuses itself.
      const { message } = await deployment.until('replacement_refused', 'succession_refused');
      console.log(`${what}: ${message}`);
      await deployment.untilChildren((now) => now.length === before.length);
      expect(deployment.children()).toEqual(before);
    }
    await clients.more(100);
    expect(clients.wrong).toEqual([]);
  }
  const reports = await Promise.all(load.map((wrk) => wrk.stop()));
  await clients.stop();
  taken.close();
  expect(clients.wrong).toEqual([]);
  for (const { requests, ...lost } of reports) {
    expect(lost).toEqual({ connect: 0, read: 0, write: 0, timeout: 0, notOk: 0 });
    expect(requests).toBeGreaterThan(0);
  }
  const asked = reports.reduce((sum, { requests }) => sum + requests, clients.answered);
  console.log(`${signal}: ${RELOADS} reloads, ${refused} refused; ${asked} requests answered, 0 lost`);
  expect(await deployment.stop()).toBe('status 0');
});
