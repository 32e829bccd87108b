/** A control group that runs out of memory, or of processes, costs a worker, and never the manager. */
import { Agent } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ControlGroup, canLimit } from '../../helpers/control-group';
import { get, Managed } from '../../helpers/manager';
import { isRoot } from '../../helpers/nobody';
import { commandLineOf } from '../../helpers/proc';
import { type Served, serve } from '../../helpers/served';

const hasMemory = isRoot && canLimit('memory');
const hasPids = isRoot && canLimit('pids');

const SERVER = `
  require('node:http').createServer((_, response) => response.end('served')).listen(0, '127.0.0.1');`;

/** Two workers in a group of their own, and what is tried again is so at once. */
async function limited(configured: string) {
  const group = new ControlGroup('pids');
  const restart = '{ burst: 0, minDelay: 10, maxDelay: 10 }';
  const config = `module.exports = { workers: 2, restart: ${restart}, ${configured} };`;
  const files = { 'app.js': SERVER, 'prefork.config.js': config };
  return { group, served: await serve(['app.js'], { files, under: group.under }) };
}

/** Once there are two workers and a template, and nobody else any more. */
async function workersAtRest({ running }: Served): Promise<number[]> {
  while (running.children().length !== 3) await setImmediate();
  return running.workers();
}

/** Once there are so many. */
async function childrenCalled(what: string, { running }: Served, count: number): Promise<number[]> {
  for (;;) {
    const found = running.children().filter((pid) => commandLineOf(pid).includes(what));
    if (found.length === count) return found;
    await setImmediate();
  }
}

/** It grows until it has been killed. */
async function grows(port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (;;) await get({ port, agent }, '/grow');
  } catch {
    agent.destroy();
  }
}

test.runIf(hasMemory)(
  'When the memory of the group has run out the kernel takes a worker, the log says so, and all others serve on.',
  async () => {
    const group = new ControlGroup('memory');
    group.limit(500 * 2 ** 20);
    const managed = await new Managed('server.js', { workers: 2 }, { under: group.under }).started();
    await grows(managed.port);
    const [killed] = await managed.untilAll('worker_killed', 'serving');
    expect(killed.message).toMatch(
      /^Worker \d+ \(pid \d+\) was killed by the kernel \(SIGKILL\): memory had run out, from outside: restarting it$/,
    );
    expect(await managed.ask('/process')).toMatchObject({ ppid: managed.program.pid });
    expect((await managed.stop()).status).toBe(0);
  },
);

describe.runIf(hasPids)('When the group may have no more processes', () => {
  test('a worker that has ended is replaced as soon as it may.', async () => {
    const group = new ControlGroup('pids');
    const managed = await new Managed('server.js', { workers: 2 }, { under: group.under }).started();
    const { pid } = await managed.ask<{ pid: number }>('/worker');
    group.limit(1);
    process.kill(pid, 'SIGKILL');
    expect((await managed.until('fork_failed')).message).toMatch(/^Worker \d could not be forked: .*EAGAIN/);
    expect(await managed.ask('/process')).toMatchObject({ ppid: managed.program.pid });
    group.limit('max');
    await managed.until('serving');
    expect((await managed.stop()).status).toBe(0);
  });

  test('the new version is refused, and the old one serves on.', async () => {
    const group = new ControlGroup('pids');
    const managed = await new Managed('server.js', { workers: 2 }, { under: group.under }).started();
    group.limit(1);
    managed.signal('SIGHUP');
    expect((await managed.until('fork_failed')).message).toMatch(/^No template could be started: .*EAGAIN/);
    await managed.until('replacement_refused');
    group.limit('max');
    managed.signal('SIGHUP');
    await managed.until('replaced_all');
    expect((await managed.stop()).status).toBe(0);
  });

  test('a configuration that nobody can read is refused, and the old version serves on.', async () => {
    const { group, served } = await limited('');
    group.limit(1);
    served.running.kill('SIGHUP');
    await served.until(/No process that reads the configuration could be started: .*EAGAIN/);
    await served.until(/The new version is not put into service: .*EAGAIN.* Generation 0 serves on/);
    expect(await served.ask()).toBe('served');
    group.limit('max');
    served.running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/);
    expect(await served.stop()).toBe('status 0');
  });

  test('a worker that loads the application by itself is forked as soon as it may be.', async () => {
    const { group, served } = await limited('preload: "no",');
    const [worker = 0] = served.running.workers();
    group.limit(1);
    process.kill(worker, 'SIGKILL');
    await served.until(/Worker \d could not be forked: .*EAGAIN/);
    expect(await served.ask()).toBe('served');
    group.limit('max');
    expect(await childrenCalled(': worker', served, 2)).not.toContain(worker);
    expect(await served.stop()).toBe('status 0');
  });

  test('an attendant that has ended is missed, and forked as soon as it may be.', async () => {
    const { group, served } = await limited('hooks: { workerReady() {} },');
    const [attendant = 0] = await childrenCalled(': attendant', served, 1);
    group.limit(1);
    process.kill(attendant, 'SIGKILL');
    await served.until(/No attendant could be started: .*EAGAIN.*\. It is tried again in \d/);
    expect(await served.ask()).toBe('served');
    group.limit('max');
    expect(await childrenCalled(': attendant', served, 1)).not.toContain(attendant);
    expect(await served.stop()).toBe('status 0');
  });

  test('no other program takes over, and this one goes on.', async () => {
    const { group, served } = await limited('');
    group.limit(1);
    served.running.kill('SIGUSR2');
    await served.until(/The new process manager does not take over: .*EAGAIN.*This one goes on/);
    expect(await served.ask()).toBe('served');
    group.limit('max');
    served.running.kill('SIGUSR2');
    await served.until(/has taken this process over/);
    await served.until(/Every worker has been replaced/);
    expect(await served.stop()).toBe('status 0');
  });
});

test.runIf(hasPids)(
  'However few threads the group may have more, a new version is put into service, or refused and all is as before.',
  async () => {
    const { group, served } = await limited('');
    const done = /Every worker has been replaced/;
    const either = new RegExp(`${done.source}|The new version is not put into service`);
    await workersAtRest(served);
    const quiet = group.threads;
    const outcomes: boolean[] = [];
    for (const few of [1, 2, 4, 7, 10, 14, 20, 1000]) {
      const before = await workersAtRest(served);
      group.limit(quiet + few);
      served.running.kill('SIGHUP');
      await served.until(either, outcomes.length + 1);
      const isDone = done.test(served.log.split('\n').findLast((line) => either.test(line)) ?? '');
      if (!isDone) expect(await workersAtRest(served)).toEqual(before);
      expect(await served.ask()).toBe('served');
      outcomes.push(isDone);
    }
    expect(outcomes[0]).toBe(false);
    expect(outcomes.at(-1)).toBe(true);
    expect(await served.stop()).toBe('status 0');
  },
);
