/** Every setting has its effect. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { get, Managed } from '../helpers/manager';
import { freePort } from '../helpers/port';
import { Program } from '../helpers/run';
import { canTakeTurns, WITHOUT_TURNS } from '../helpers/turns';

const isRoot = process.getuid?.() === 0;

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'prefork-manager-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

interface About {
  uid: number;
  gid: number;
  groups: number[];
  umask: number;
  cwd: string;
  title: string;
}

describe('settings', () => {
  test('umask, cwd, title and pidFile', async () => {
    const cwd = folder();
    const pidFile = join(cwd, 'pid');
    const settings = { umask: 0o27, cwd, title: 'shop', pidFile };
    const managed = await new Managed('server.js', settings).started();
    expect(readFileSync(pidFile, 'utf8')).toBe(`${managed.program.pid}\n`);
    const about = await managed.ask<About>('/process');
    expect(about).toMatchObject({ umask: 0o27, cwd, title: expect.stringMatching(/^shop: worker [01]$/) });
    expect(readFileSync(`/proc/${managed.program.pid}/cmdline`, 'utf8')).toContain('shop: manager');

    const second = await new Managed('server.js', settings).end();
    expect(second.status).toBe(1);
    expect(second.entries.at(-1)?.message).toContain(
      `belongs to process ${managed.program.pid}, which is running`,
    );
    await managed.stop();
    expect(existsSync(pidFile)).toBe(false);
  });

  test.runIf(isRoot)(
    'user and group: workers drop to them, and die with the parent all the same.',
    async () => {
      const managed = await new Managed('server.js', { user: 'nobody', group: 'daemon' }).started();
      const gid = Number(/^daemon:[^:]*:(\d+)/m.exec(readFileSync('/etc/group', 'utf8'))?.[1]);
      const uid = Number(/^nobody:[^:]*:(\d+)/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[1]);
      const about = await managed.ask<About>('/process');
      expect(about).toMatchObject({ uid, gid });
      expect(about.groups).not.toContain(0);
      managed.signal('SIGKILL');
      await managed.end(); // which is when nobody holds its output any more
    },
  );

  test.runIf(isRoot).each([
    ['the template', {}, ['worker_start_failed'], /^The template could not start: .*EPERM/],
    [
      'a worker',
      { loadAsRoot: true },
      ['listening_started', 'worker_start_failed', 'boot_failed'],
      /^Worker 0 could not start: .*EPERM/,
    ],
  ])(
    'user: if %s cannot take it on that is the end, whatever the application does about errors of listen().',
    async (_, more, events, message) => {
      const settings = { workers: 1, user: 'nobody', group: 'daemon', restart: { burst: 0 }, ...more };
      const env = { MISFIT: 'goes on when it cannot listen' };
      const under = ['setpriv', '--bounding-set=-setuid'];
      const { status, entries } = await new Managed('misfits.js', settings, { env, under }).end();
      expect(status).toBe(1);
      // The manager acts before it logs: a worker may have said more by then.
      const said = entries.map(({ event }) => event).filter((event) => event !== 'worker_started');
      expect(said.sort()).toEqual([...events].sort());
      expect(entries.at(-1)?.event).toBe(events.at(-1));
      expect(entries.find(({ event }) => event === 'worker_start_failed')?.message).toMatch(message);
    },
  );

  test.runIf(isRoot).each([
    ['the user of its workers', false, true],
    ['root, if that is asked for', true, false],
  ])('user: the application is loaded as %s.', async (_, loadAsRoot, isUser) => {
    const settings = { workers: 1, user: 'nobody', group: 'daemon', loadAsRoot };
    const managed = await new Managed('server.js', settings).started();
    const about = await managed.ask<About & { loadedAs: number }>('/process');
    expect(about.uid).not.toBe(0);
    expect(about.loadedAs).toBe(isUser ? about.uid : 0);
    await managed.stop();
  });

  test.runIf(isRoot)('user: a number that nobody has is refused without a group.', async () => {
    const { status, stderr } = await new Managed('server.js', { user: 54321 }).end();
    expect(status).not.toBe(0);
    expect(stderr).toContain('--user 54321 needs --group');
  });

  test('hangTimeout: one that no worker could keep is refused.', async () => {
    const { status, stderr } = await new Managed('server.js', { hangTimeout: 99 }).end();
    expect(status).not.toBe(0);
    expect(stderr).toContain('Expected 0 or at least 100 ms for hangTimeout but received 99 ms');
  });

  test('user: an unknown one is refused.', async () => {
    const { status, stderr } = await new Managed('server.js', { user: 'nemo' }).end();
    expect(status).not.toBe(0);
    expect(stderr).toContain("Unknown user 'nemo'");
  });

  test('bind: several addresses, TCP and Unix, instead of the one that the application names.', async () => {
    const path = join(folder(), 'socket');
    const port = freePort();
    const bind = [
      { kind: 'unix' as const, path },
      { kind: 'tcp' as const, host: '127.0.0.1', port },
      { kind: 'tcp' as const, host: '::1', port },
    ];
    const managed = await new Managed('server.js', { bind }).started();
    for (const where of [{ socketPath: path }, { port }, { port, host: '::1' }]) {
      expect(await get(where)).toMatch(/^\d+$/);
    }
    await managed.stop();
    expect(existsSync(path)).toBe(false);
  });

  test('balanced: a queue for each worker, which the one that is started again takes over.', async () => {
    const managed = await new Managed('server.js', { workers: 2, balanced: true }).started();
    const seen = async () =>
      new Set(await Promise.all(Array.from({ length: 40 }, () => get({ port: managed.port }))));
    const [first] = [...(await seen())];
    expect((await seen()).size).toBe(2);
    process.kill(Number(first), 'SIGKILL');
    expect((await seen()).size).toBe(2);
    expect(await seen()).not.toContain(first);
    await managed.stop();
  });

  test.runIf(canTakeTurns)(
    'balanced: the workers take turns, also one that joins, and without one that goes.',
    async () => {
      const managed = await new Managed('server.js', { workers: 2, balanced: true }).started();
      const counts = async (workers: number) => {
        const seen = await Promise.all(
          Array.from({ length: 20 * workers }, () => get({ port: managed.port })),
        );
        return [...new Set(seen)].map((pid) => seen.filter((other) => other === pid).length);
      };
      expect(await counts(2)).toEqual([20, 20]);
      managed.signal('SIGTTIN');
      await managed.until('serving');
      expect(await counts(3)).toEqual([20, 20, 20]);
      managed.signal('SIGTTOU');
      await managed.until('worker_removed');
      expect(await counts(2)).toEqual([20, 20]);
      await managed.stop();
    },
  );

  test('balanced, without the right to take turns: each has some, one that joins, too, and one that goes has none.', async () => {
    const options = { under: WITHOUT_TURNS };
    const managed = await new Managed('server.js', { workers: 3, balanced: true }, options).started();
    const seen = async () =>
      new Set(await Promise.all(Array.from({ length: 60 }, () => get({ port: managed.port }))));
    expect((await seen()).size).toBe(3);
    managed.signal('SIGTTIN');
    await managed.until('serving');
    expect((await seen()).size).toBe(4);
    managed.signal('SIGTTOU');
    await managed.until('worker_removed');
    expect((await seen()).size).toBe(3);
    await managed.stop();
  });

  test('gracefulTimeout: who has not answered by then is killed.', async () => {
    const managed = await new Managed('server.js', { workers: 1, gracefulTimeout: 300 }).started();
    const never = get({ port: managed.port }, '/never').catch(({ code }) => code);
    const slow = get({ port: managed.port }, '/worker');
    await slow;
    const { status, entries } = await managed.stop();
    expect(await never).toBe('ECONNRESET');
    expect({ status, events: entries.map(({ event }) => event) }).toMatchObject({
      status: 0,
      events: expect.arrayContaining(['worker_stop_timed_out']),
    });
  });

  test('SIGTERM: what is under way is answered first; SIGINT twice and SIGQUIT do not wait.', async () => {
    const patient = await new Managed('server.js', { workers: 1 }).started();
    const slow = get({ port: patient.port }, '/slow');
    await get({ port: patient.port });
    expect((await patient.stop()).status).toBe(0);
    expect(await slow).toBe('"slow"');

    for (const signals of [['SIGINT', 'SIGINT'], ['SIGQUIT']] as const) {
      const managed = await new Managed('server.js', { workers: 1 }).started();
      const never = get({ port: managed.port }, '/never').catch(({ code }) => code);
      await get({ port: managed.port });
      managed.signal(signals[0]);
      await managed.until(signals[0] === 'SIGINT' ? 'shutdown_started' : 'shutdown_forced');
      if (signals.length > 1) managed.signal('SIGINT');
      expect((await managed.end()).status).toBe(0);
      expect(await never).toBe('ECONNRESET');
    }
  });

  test('maxRequests: a worker is replaced after so many.', async () => {
    const managed = await new Managed('server.js', {
      workers: 1,
      maxRequests: 5,
      maxRequestsJitter: 0,
    }).started();
    const first = await managed.ask<number>('/');
    for (let i = 0; i < 5; i++) await managed.ask('/');
    await managed.untilAll('worker_recycled', 'serving');
    let last = first;
    while (last === first) last = await managed.ask<number>('/');
    await managed.stop();
  });

  test('maxMemory: a worker that has more of its own is replaced.', async () => {
    const managed = await new Managed('server.js', { workers: 1, maxMemory: 100 * 2 ** 20 }).started();
    await managed.ask('/grow');
    await managed.ask('/grow');
    const [recycled] = await managed.untilAll('worker_recycled', 'serving');
    expect(recycled.message).toMatch(/has \d+ MiB of private memory/);
    await managed.stop();
  });

  test('inspectPort: each worker has its own, also after a rolling replacement.', async () => {
    const base = freePort(2);
    const managed = await new Managed('server.js', { workers: 2, inspectPort: base }).started();
    const targets = async (port: number) => JSON.parse(await get({ port }, '/json/list')) as unknown[];
    expect(await targets(base)).toHaveLength(1);
    expect(await targets(base + 1)).toHaveLength(1);
    managed.signal('SIGHUP');
    await managed.until('replaced_all');
    for (const port of [base, base + 1]) {
      let open = false;
      while (!open) open = (await targets(port).catch(() => [])).length === 1;
    }
    await managed.stop();
  });

  test('inspectPort: a worker for which no port is left serves without.', async () => {
    const managed = await new Managed('server.js', { workers: 1, inspectPort: 65535 }).started();
    managed.signal('SIGTTIN');
    expect(await managed.until('inspector_failed')).toMatchObject({ worker: 1 });
    await managed.until('serving');
    const { status, entries } = await managed.stop();
    expect(status).toBe(0);
    expect(entries.filter(({ event }) => /crash/.test(event))).toEqual([]);
  });

  test('warmup: the parent collects its garbage before it forks.', async () => {
    const heapOf = async (warmup: boolean) => {
      const env = { GARBAGE: '1' };
      const managed = new Managed('server.js', { workers: 1, warmup }, { env });
      const { heap = Number.NaN } = await managed.until('serving');
      await managed.until('workers_ready');
      await managed.stop();
      return heap;
    };
    expect(await heapOf(true)).toBeLessThan((await heapOf(false)) - 20e6);
  });

  describe('SIGUSR1', () => {
    /** A manager with one worker whose standard output and standard error are a file. */
    async function loggingTo(file: string, application = 'server.js') {
      const script = `exec "${process.execPath}" "${join(__dirname, '../fixtures/manager/run.js')}" ${application} >>"${file}" 2>&1`;
      const env = { OPTIONS: JSON.stringify({ workers: 1 }), LOG: file };
      const program = new Program('sh', ['-c', script], { env });
      onTestFinished(() => program.killGroup());
      await until(file, /"event":"workers_ready"/);
      const old = existsSync(`${file}.1`) ? readFileSync(`${file}.1`, 'utf8') : '';
      const port = Number(/"event":"serving".*"port":(\d+)/.exec(old + readFileSync(file, 'utf8'))?.[1]);
      return { program, say: () => get({ port }, '/say'), pid: Number(await get({ port })) };
    }

    async function until(file: string, pattern: RegExp): Promise<void> {
      while (!existsSync(file) || !pattern.test(readFileSync(file, 'utf8'))) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }

    test('Parent and worker open their log files anew.', async () => {
      const file = join(folder(), 'log');
      const { program, say, pid } = await loggingTo(file);
      renameSync(file, `${file}.1`);
      program.kill('SIGUSR1');
      await until(file, /"event":"logs_reopened"/);
      const saidByWorker = new RegExp(`^said by ${pid}$`, 'm');
      while (!saidByWorker.test(readFileSync(file, 'utf8'))) await say(); // at its next beat
      program.kill('SIGTERM');
      expect((await program.result).status).toBe(0);
      expect(readFileSync(`${file}.1`, 'utf8')).not.toContain('logs_reopened');
    });

    test('A worker that was being born then does so, too.', async () => {
      const file = join(folder(), 'log');
      const { program, say, pid } = await loggingTo(file, 'rotates.js');
      const saidByWorker = new RegExp(`^said by ${pid}$`, 'm');
      while (!saidByWorker.test(readFileSync(file, 'utf8'))) await say(); // at its next beat
      program.kill('SIGTERM');
      expect((await program.result).status).toBe(0);
    });

    test('Where that cannot be done both say so, and write on to the old ones.', async () => {
      const directory = join(folder(), 'logs');
      mkdirSync(directory);
      const { program, pid } = await loggingTo(join(directory, 'log'));
      renameSync(directory, `${directory}.1`);
      program.kill('SIGUSR1');
      const old = join(`${directory}.1`, 'log');
      await until(old, new RegExp(`"log_reopen_failed".*ENOENT.*"pid":${pid}`));
      await until(old, /"event":"logs_reopened"/); // after the lines of the manager's own, which acts before it logs
      const entries = readFileSync(old, 'utf8').split('\n');
      expect(
        entries.filter((line) => line.includes('log_reopen_failed') && !line.includes('"pid"')),
      ).toHaveLength(2);
      program.kill('SIGTERM');
      expect((await program.result).status).toBe(0);
      expect(readFileSync(old, 'utf8')).toContain('"event":"shutdown_finished"');
    });
  });

  test.each([
    ['SIGTERM', ['listening_started', 'shutdown_started', 'shutdown_finished']],
    [
      'SIGHUP',
      [
        'listening_started',
        'replacement_started',
        'workers_ready',
        'replaced_all',
        'shutdown_started',
        'shutdown_finished',
      ],
    ],
    [
      'SIGUSR1',
      ['listening_started', 'logs_reopened', 'workers_ready', 'shutdown_started', 'shutdown_finished'],
    ],
  ] as const)('%s is heeded also while the parent prepares the first fork.', async (SIGNAL, events) => {
    const pidFile = join(folder(), 'pid');
    const managed = new Managed('server.js', { workers: 1, pidFile }, { env: { SIGNAL } });
    if (SIGNAL !== 'SIGTERM') {
      await managed.until(SIGNAL === 'SIGHUP' ? 'replaced_all' : 'workers_ready');
      managed.signal('SIGTERM');
    }
    const { status, entries } = await managed.end();
    const heard = entries
      .map(({ event }) => event)
      .filter((event) => event !== 'serving' && event !== 'worker_started');
    expect({ status, heard: heard.sort() }).toEqual({ status: 0, heard: [...events].sort() });
    expect(existsSync(pidFile)).toBe(false);
  });

  test('restart.limit: beyond it the manager gives up.', async () => {
    const settings = { workers: 1, restart: { limit: 2, burst: 10 } };
    const { status, entries } = await new Managed('misfits.js', settings, {
      env: { MISFIT: 'crashes when it is ready' },
    }).end();
    expect(status).toBe(1);
    expect(entries.filter(({ event }) => event === 'worker_crashed')).toHaveLength(2);
    expect(entries.map(({ event }) => event)).toContain('restart_limit_reached');
  });
});

test.runIf(isRoot)('As process 1 the parent reaps orphans and heeds SIGTERM.', async () => {
  const script = join(__dirname, '../fixtures/manager/run.js');
  const env = { OPTIONS: JSON.stringify({ workers: 1 }) };
  const program = new Program(
    'unshare',
    ['-pf', '--kill-child', '--mount-proc', process.execPath, script, 'orphans.js'],
    {
      env,
    },
  );
  onTestFinished(() => program.killGroup());
  // If it were not reaped, this line would never come, and the deadman would.
  while ((await program.line()) !== 'reaped');
  expect((await program.result).status).toBe(0);
});
