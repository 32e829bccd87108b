/** What a worker can do to the manager that looks after it: be killed. ARCHITECTURE.md, "What a lying peer can do". */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { get, Managed } from '../helpers/manager';
import { PYTHON } from '../helpers/oracle';
import { serve } from '../helpers/served';

const isRoot = process.getuid?.() === 0;
const ORPHAN = join(__dirname, '..', 'fixtures', 'manager', 'orphan_of_roots.py');
const HOSTILE = join(__dirname, '..', 'fixtures', 'manager', 'hostile.js');

interface Answer {
  pid: number;
  ppid: number;
  answer: unknown;
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** User and system time, in hundredths of a second (proc_pid_stat(5)). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

describe('A worker that', () => {
  test.each([
    ['writes garbage', '/garbage', /sent an invalid message/],
    ['writes more than a message can be', '/too-long', /sent an invalid message/],
    ['says what nobody knows', '/nothing-known', /sent an invalid message/],
    ['has the manager look a name up', '/name', /sent an invalid message/],
    ['claims to have forked the manager', '/no-template', /answered a fork that it was not asked for/],
    ['claims to have loaded a generation', '/loaded', /reported a load that was not under way/],
    ['claims to be about to take over', '/successor', /ended a trial that was not under way/],
    ['has an address with a zone without end looked up', '/zone-without-end', /sent an invalid message/],
    ['has other settings', '/settings', /sent an invalid message/],
    ['never stops talking', '/flood', /sent more than \d+ messages in a second/],
    ['says half of what it should', '/half', /sent an invalid message/],
    ['has a name looked up for UDP', '/datagrams-of-a-name', /sent an invalid message/],
    ['has any port bound for UDP', '/datagrams-everywhere', /sent an invalid message/],
    ['counts sockets of UDP below zero', '/datagrams-below-zero', /sent an invalid message/],
    ['counts sockets of UDP beyond all bounds', '/datagrams-beyond', /sent an invalid message/],
    ['looks whether a path is free', '/probe-of-a-path', /sent an invalid message/],
    ['looks whether a port of a name is free', '/probe-of-a-name', /sent an invalid message/],
  ])('%s is killed, and another one takes its place.', async (_, deed, why) => {
    const managed = await new Managed('hostile.js', { workers: 2 }).started();
    const lost = get({ port: managed.port }, deed).catch(({ code }) => code);
    const [{ message, pid }] = await managed.untilAll('protocol_violated', 'serving');
    expect(message).toMatch(why);
    await lost;
    expect((await managed.ask<Answer>('/')).pid).not.toBe(pid);
    expect((await managed.stop()).status).toBe(0);
  });

  test('sends descriptors along fills no table but its own.', async () => {
    const managed = await new Managed('hostile.js', { workers: 1 }).started();
    const before = descriptorsOf(managed.program.pid);
    for (let i = 0; i < 5; i++) await managed.ask('/passes');
    managed.signal('SIGTTIN');
    await managed.until('worker_started'); // all has been received by then, and what was sent to be forked is closed
    expect(descriptorsOf(managed.program.pid)).toBe(before + 1); // the channel of that one
    expect((await managed.stop()).status).toBe(0);
  });

  test('closes its channel is served no more, but keeps nobody awake and can be ended.', async () => {
    const managed = await new Managed('hostile.js', { workers: 1 }).started();
    await managed.ask('/silence');
    const usage = () => cpuOf(managed.program.pid);
    const before = usage();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(usage() - before).toBeLessThan(20); // in hundredths of a second
    expect((await managed.stop()).status).toBe(0);
  });

  test('stops the template, so that no worker is forked any more, keeps nobody from ending.', async () => {
    const managed = await new Managed('hostile.js', { workers: 2, gracefulTimeout: 1000 }).started();
    const lost = get({ port: managed.port }, '/stop-template').catch(({ code }) => code);
    await managed.until('worker_crashed');
    await lost;
    expect((await managed.stop()).status).toBe(0);
  });

  test('writes into every line of the scoreboard keeps nobody from being started.', async () => {
    const managed = await new Managed('hostile.js', { workers: 1, hangTimeout: 0 }).started();
    const { pid } = await managed.ask<Answer>('/rows');
    process.kill(pid, 'SIGKILL');
    await managed.until('serving');
    expect((await managed.ask<Answer>('/')).pid).not.toBe(pid);
    expect((await managed.stop()).status).toBe(0);
  });

  test('holds the tasks of once() and claims to be of a later generation misleads workers, and not the manager.', async () => {
    const managed = await new Managed('hostile.js', { workers: 2 }, { env: { ONCE: 'yes' } }).started();
    const { pid } = await managed.until('task');
    // The connection of each stays open, so that the next one is another worker's.
    const agents: Agent[] = [];
    const ask = async () => {
      const agent = new Agent({ keepAlive: true });
      agents.push(agent);
      return JSON.parse(await get({ port: managed.port, agent }, '/usurp')) as Answer;
    };
    let usurper = await ask();
    while (usurper.pid === pid) usurper = await ask();
    expect(usurper.answer).toBe('usurped');
    process.kill(pid ?? 0, 'SIGKILL');
    await managed.until('serving');
    managed.signal('SIGHUP');
    // Who does it next begins when the usurper has ended, whether or not others are still to be replaced.
    const [, next] = await managed.untilAll('replaced_all', 'task');
    expect(next.pid).not.toBe(usurper.pid);
    for (const agent of agents) agent.destroy();
    expect((await managed.stop()).status).toBe(0);
  });

  test.each([
    ['listen', '/many-addresses', { bound: 127, 'not bound': 73 }, 127],
    ['sockets of UDP', '/many-datagrams', { datagrams: 128, 'no datagrams EMFILE': 72 }, 128],
    ['free ports', '/many-probes', { free: 300 }, 0],
  ])('asks for ever more %s has the manager hold no more than a bound.', async (_, deed, counts, held) => {
    const managed = await new Managed('hostile.js', { workers: 1 }).started();
    const before = descriptorsOf(managed.program.pid);
    expect((await managed.ask<Answer>(deed)).answer).toEqual(counts);
    expect(descriptorsOf(managed.program.pid) - before).toBe(held);
    expect((await managed.stop()).status).toBe(0);
  });

  test.runIf(isRoot)(
    'runs as another user has no port below 1024 looked at, nor bound for UDP.',
    async () => {
      const settings = { workers: 1, user: 'nobody', group: 'daemon' };
      const managed = await new Managed('hostile.js', settings).started();
      const answer = async (deed: string) => (await managed.ask<Answer>(deed)).answer;
      expect(await answer('/privileged-datagrams')).toEqual({ type: 'no datagrams', code: 'EACCES' });
      expect(await answer('/privileged-probe')).toMatchObject({
        type: 'not free',
        error: { code: 'EACCES' },
      });
      expect((await managed.stop()).status).toBe(0);
    },
  );

  test('says that it has fewer connections than all others, and takes none, keeps no client waiting.', async () => {
    const managed = await new Managed('hostile.js', { workers: 3 }).started();
    const { pid } = await managed.ask<Answer>('/lure');
    for (let i = 0; i < 20; i++) expect((await managed.ask<Answer>('/')).pid).not.toBe(pid);
    expect((await managed.stop()).status).toBe(0);
  });

  test.runIf(isRoot)(
    'runs as another user gets nothing bound that the application has not asked for.',
    async () => {
      const settings = { workers: 1, user: 'nobody', group: 'daemon' };
      const managed = await new Managed('hostile.js', settings).started();
      for (const deed of ['/privileged', '/cron', '/descriptor']) {
        expect((await managed.ask<Answer>(deed)).answer).toEqual({ type: 'refused' });
      }
      expect(existsSync('/etc/cron.d/prefork-test')).toBe(false);
      expect((await managed.stop()).status).toBe(0);
    },
  );
});

test.runIf(isRoot)(
  'A path that the application names is made with the rights of its user, or not at all.',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-hostile-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const env = { SOCKET: join(folder, 'socket') }; // a directory of root's
    const managed = new Managed('hostile.js', { workers: 1, user: 'nobody', group: 'daemon' }, { env });
    expect(await managed.until('error')).toMatchObject({ code: 'EACCES' });
    await managed.until('workers_ready');
    expect(readdirSync(folder)).toEqual([]);
    expect((await managed.stop()).status).toBe(0);
  },
);

test.runIf(isRoot)(
  'A template that claims to have forked a process of root, which process 1 of a container inherits, gets nobody killed but itself.',
  async () => {
    const settings = { workers: 1, user: 'nobody', group: 'daemon' };
    const managed = new Managed('claims.js', settings, { under: [PYTHON, ORPHAN] });
    const { pid: victim = 0 } = await managed.until('orphan');
    await managed.started();
    managed.signal('SIGTTIN');
    const { message } = await managed.until('protocol_violated');
    expect(message).toMatch(new RegExp(`claims to have forked process ${victim}: killing it$`));
    expect((await managed.stop()).status).toBe(0);
    expect(managed.program.survivors()).toContain(victim);
  },
);

test.runIf(isRoot)(
  'A worker of another user that asks for paths longer than any keeps no other program from taking over.',
  async () => {
    const args = ['-w', '1', '--user', 'nobody', '--group', 'daemon', HOSTILE];
    const served = await serve(args);
    expect(JSON.parse(await served.ask('/endless-paths')).answer).toEqual({ refused: 200 });
    served.running.kill('SIGUSR2');
    await served.until(/has taken this process over/);
    await served.until(/Every worker has been replaced/);
    expect(await served.stop()).toBe('status 0');
  },
);
