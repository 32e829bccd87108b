/** An application under the manager: real processes, real signals. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ready } from '../..';
import type { WorkerStatus } from '../../lib/manager/scoreboard';
import { eventually } from '../helpers/eventually';
import { get, Managed } from '../helpers/manager';

interface Info {
  id: number;
  pid: number;
  generation: number;
  restarts: number;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  if (!readdirSync('/proc').includes(String(pid))) return false;
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false; // it was there a moment ago
  }
}

describe('workers', () => {
  test('serve an unmodified server, know who they are, and see each other on the scoreboard.', async () => {
    const managed = await new Managed('server.js', { workers: 3 }).started();
    const info = await managed.ask<Info>('/worker');
    expect(info).toMatchObject({ generation: 0, restarts: 0 });
    expect(childrenOf(managed.program.pid)).toContain(info.pid);
    const rows = await managed.ask<WorkerStatus[]>('/scoreboard');
    expect(rows.map(({ id, state }) => [id, state])).toEqual([0, 1, 2].map((id) => [id, 'ready']));
    const others = childrenOf(managed.program.pid).filter((pid) => !rows.some((row) => row.pid === pid));
    expect(others).toHaveLength(1); // the template
    expect(childrenOf(others[0] as number)).toEqual([]); // whose forks are the manager's children
    const requests = rows.reduce((sum, row) => sum + row.requests, 0);
    expect(requests).toBe(2);
    expect(rows.reduce((sum, row) => sum + row.connections, 0)).toBeGreaterThan(0);
    await eventually(async () => {
      const all = await managed.ask<WorkerStatus[]>('/scoreboard');
      return all.every(({ heapUsed, privateMemory }) => heapUsed > 1e6 && privateMemory > 1e6);
    });
    expect(await managed.stop()).toMatchObject({ status: 0, stderr: '' });
  });

  test('see themselves on the scoreboard before the manager knows of them.', async () => {
    const managed = new Managed('unknown-yet.js', { workers: 1 });
    const { pid, seen } = await managed.until('looked');
    expect(seen).toEqual([[0, pid, 'booting']]);
    await managed.until('workers_ready');
    expect(await managed.stop()).toMatchObject({ status: 0, stderr: '' });
  });

  test('are told apart from outside and inside, and go before the manager when memory runs out.', async () => {
    const managed = await new Managed('server.js', { workers: 2 }).started();
    const of = (pid: number, file: string) => readFileSync(`/proc/${pid}/${file}`, 'latin1');
    const { pid } = managed.program;
    const titles = [pid, ...childrenOf(pid)].map((each) => of(each, 'cmdline').replace(/\0.*/s, ''));
    expect(titles.sort()).toEqual([
      'prefork: manager',
      'prefork: template',
      'prefork: worker 0',
      'prefork: worker 1',
    ]);
    const { title, instance, number } = await managed.ask<Record<string, string>>('/process');
    expect([`prefork: worker ${instance}`, number]).toEqual([title, instance]);
    const own = Number(of(pid, 'oom_score_adj'));
    const others = childrenOf(pid).map((each) => Number(of(each, 'oom_score_adj')));
    expect(others).toEqual(Array(3).fill(Math.min(1000, own + 300)));
    expect((await managed.stop()).status).toBe(0);
  });

  test('share counters, which add up and outlive the one who counted.', async () => {
    const managed = await new Managed('server.js', { workers: 3 }).started();
    await Promise.all(Array.from({ length: 300 }, () => get({ port: managed.port }, '/hit')));
    const { pid } = await managed.ask<Info>('/worker');
    process.kill(pid, 'SIGKILL');
    await managed.until('worker_killed');
    expect(await managed.ask('/counters')).toEqual({ hits: 300, misses: 0 });
    await managed.stop();
  });

  test('are started again when they crash, under the same id; hooks hear of everything.', async () => {
    const managed = await new Managed('server.js', { workers: 1 }, { env: { HOOKS: 'all' } }).started();
    const { pid } = await managed.ask<Info>('/worker');
    await get({ port: managed.port }, '/exit').catch(() => {});
    await managed.until('workerExit');
    await managed.until('workerReady');
    expect(await managed.ask('/worker')).toMatchObject({ id: 0, restarts: 1 });
    const { entries } = await managed.stop();
    const manager = managed.program.pid;
    const heard = entries.filter(({ by }) => by !== undefined);
    expect(heard.filter(({ by }) => by === manager)).toEqual([]);
    const inWorkers = heard.filter(({ event }) => event === 'afterFork');
    expect(inWorkers.map(({ by, worker }) => by === (worker as Info).pid)).toEqual([true, true]);
    // In one process, in the order in which it happened.
    const watching = heard.filter(({ event }) => event.startsWith('worker'));
    expect(new Set(watching.map(({ by }) => by)).size).toBe(1);
    expect(watching.map(({ event }) => event)).toEqual([
      'workerReady',
      'workerExit',
      'workerReady',
      'workerExit',
    ]);
    expect(watching[1]).toMatchObject({ worker: { id: 0, pid }, exit: { code: 7, signal: null } });
  });

  test('wait for a hook before the fork that takes its time; hooks that watch do not delay them.', async () => {
    const managed = new Managed('server.js', { workers: 1 }, { env: { HOOKS: 'take their time' } });
    // The manager has the hook called before it logs: what comes first of the two is left to chance.
    const { pid = 0 } = await managed.until('workerReady waits');
    await managed.program.until(/"event":"workers_ready"/);
    process.kill(pid, 'SIGWINCH');
    await managed.until('workerReady');
    const { entries, status } = await managed.stop();
    expect(status).toBe(0);
    const events = entries.map(({ event }) => event);
    expect(events.indexOf('beforeFork')).toBeLessThan(events.indexOf('listening_started'));
  });

  test('serve on when a hook that watches rejects, which the log tells of.', async () => {
    const managed = new Managed('server.js', { workers: 1 }, { env: { HOOKS: 'reject' } });
    expect((await managed.until('hook_failed')).message).toMatch(
      /^The hook workerReady threw: .*no such address/,
    );
    const { entries, status, stderr } = await managed.stop();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(entries.map(({ event }) => event)).not.toContain('worker_crashed');
  });

  test('are not forked when the hook before that rejects.', async () => {
    const { status, entries } = await new Managed('server.js', {}, { env: { HOOKS: 'reject first' } }).end();
    expect(status).toBe(1);
    expect(entries.at(-1)).toMatchObject({ event: 'hook_failed' });
    expect(entries.at(-1)?.message).toMatch(/^The hook beforeFork threw: .*no such address/);
  });

  test('are ready when the application says so.', async () => {
    const managed = new Managed(
      'misfits.js',
      { workers: 1 },
      { env: { MISFIT: 'is ready when it says so' } },
    );
    const { pid } = await managed.until('preparing');
    process.kill(pid ?? 0, 'SIGUSR2');
    await managed.until('workers_ready');
    await managed.stop();
  });

  test('that are told to end before they are ready have never been ready.', async () => {
    const settings = { workers: 1, restart: { burst: 0 } };
    const env = { MISFIT: 'is ready when it says so' };
    const managed = new Managed('misfits.js', settings, { env });
    const { pid = 0 } = await managed.until('preparing');
    process.kill(pid, 'SIGTERM');
    const { status, entries } = await managed.end();
    expect(status).toBe(1);
    expect(entries.map(({ event }) => event)).not.toContain('workers_ready');
    expect(entries.at(-1)?.message).toMatch(/^No worker became ready: /);
  });

  test.each([
    ['SIGTERM for the parent', 'SIGTERM', 1],
    ['Ctrl-C, which all processes get', 'SIGINT', -1],
  ] as const)(
    'clean up first, also if they listen for SIGTERM only and once: %s.',
    async (_, signal, whom) => {
      const env = { MISFIT: 'cleans up when it is told to end' };
      const managed = await new Managed('misfits.js', { workers: 1 }, { env }).started();
      process.kill(whom * managed.program.pid, signal);
      const { status, entries } = await managed.end();
      expect(status).toBe(0);
      expect(entries.map(({ event }) => event)).toContain('cleaned up');
    },
  );

  test.each([
    ['sends itself the signal again', false],
    ['uses signal-exit', true],
  ])(
    'end when they have tidied up, as without the manager: an application that %s.',
    async (misfit, tells) => {
      const settings = { workers: 1, gracefulTimeout: 600_000 };
      const managed = await new Managed('misfits.js', settings, { env: { MISFIT: misfit } }).started();
      managed.signal('SIGTERM');
      const { status, entries } = await managed.end();
      expect(status).toBe(0);
      expect(entries.some(({ event }) => event === 'cleaned up')).toBe(tells);
    },
  );

  test('are never forked if the manager is told to end while the application loads, which hears of it.', async () => {
    const env = { MISFIT: 'is told to end while it loads' };
    const { status, entries } = await new Managed('misfits.js', { workers: 1 }, { env }).end();
    expect(status).toBe(0);
    const events = entries.map(({ event }) => event);
    // The manager acts before it logs, so its first line may come after those of the template.
    const byTemplate = ['SIGTERM in the application', 'start_failed'];
    expect(events.filter((event) => byTemplate.includes(event))).toEqual(byTemplate);
    expect(events.filter((event) => !byTemplate.includes(event))).toEqual([
      'shutdown_started',
      'shutdown_finished',
    ]);
    expect(events.at(-1)).toBe('shutdown_finished');
  });

  test('are ready when all is that the application has named before it listened, and not before.', async () => {
    const env = { MISFIT: 'says before it listens when it will be ready' };
    const managed = new Managed('misfits.js', { workers: 1 }, { env });
    const { pid = 0 } = await managed.until('preparing');
    process.kill(pid, 'SIGUSR2');
    process.kill(pid, 'SIGWINCH');
    await managed.until('workers_ready');
    // One of two is not enough.
    managed.signal('SIGHUP');
    const { pid: next = 0 } = await managed.until('preparing');
    process.kill(next, 'SIGUSR2');
    managed.signal('SIGTERM');
    const { status, entries } = await managed.end();
    expect(status).toBe(0);
    expect(entries.map(({ event }) => event)).not.toContain('replaced_all');
  });

  test('are ready when all their servers listen.', async () => {
    const env = { MISFIT: 'is ready when its last server is' };
    const managed = await new Managed('misfits.js', { workers: 1 }, { env }).started();
    const { entries } = await managed.stop();
    const events = entries.map(({ event }) => event);
    expect(events.indexOf('last')).toBeGreaterThan(-1);
    expect(events.indexOf('last')).toBeLessThan(events.indexOf('workers_ready'));
  });

  test('end if what they wait for cannot be.', async () => {
    const settings = { workers: 1, restart: { burst: 0 } };
    const env = { MISFIT: 'is never ready after all' };
    const { status, stderr, entries } = await new Managed('misfits.js', settings, { env }).end();
    expect(status).toBe(1);
    expect(stderr).toContain('Error: no database');
    expect(entries.at(-1)?.message).toMatch(/No worker became ready: worker 0 .* exited with status 1/);
  });

  test('ready() wants a promise or nothing, and does nothing where no manager runs.', () => {
    for (const wrong of [null, 5, () => {}]) {
      expect(() => ready(wrong as never)).toThrow(
        expect.objectContaining({ code: 'ERR_PREFORK_INVALID_ARG_TYPE', name: 'TypeError' }),
      );
    }
    ready();
    ready(Promise.resolve());
  });

  test('that are not ready in time are killed, and if none ever is, that is the end.', async () => {
    // It counts for the application's own start, too, which is not to be late.
    const settings = { workers: 1, bootTimeout: 2_000, restart: { burst: 0 } };
    const { status, entries } = await new Managed('misfits.js', settings, {
      env: { MISFIT: 'is never ready' },
    }).end();
    expect(status).toBe(1);
    expect(entries.map(({ event }) => event)).toEqual([
      'listening_started',
      'worker_started',
      'worker_boot_timed_out',
      'boot_failed',
    ]);
  });

  test('that stand still say where, and are killed.', async () => {
    const managed = await new Managed('server.js', { workers: 2, hangTimeout: 2000 }).started();
    const lost = get({ port: managed.port }, '/hang').catch(({ code }) => code);
    const where = /is blocked at endlessLoop \(.*server\.js:/;
    await managed.until('stack_reported', ({ message = '' }) => where.test(message));
    expect(await lost).toBe('ECONNRESET');
    expect(typeof (await managed.ask('/'))).toBe('number');
    await managed.stop();
  });

  test('die with the parent, even if it is killed.', async () => {
    const managed = await new Managed('server.js').started();
    const workers = childrenOf(managed.program.pid); // and their template
    expect(workers).toHaveLength(3);
    managed.signal('SIGKILL');
    await managed.end();
    await eventually(() => !workers.some(isAlive));
  });
});
