import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../helpers/eventually';
import { type Options, start } from '../../helpers/succession';

describe('In the instant in which the successor starts, before a line of it has run,', () => {
  async function startSlowly(options: Options = {}) {
    const started = await start({ ...options, slow: true });
    started.slowly();
    started.change(2);
    started.running.kill('SIGUSR2');
    await started.running.until(/starting\n/);
    return started;
  }

  test('requests are answered, and a worker that is killed is replaced as soon as it runs.', async () => {
    const { running, heard, until, goOn, ask, stop } = await startSlowly();
    expect(await ask()).toMatch(/^version 1 /);
    const [worker = 0] = running.workers();
    running.kill('SIGKILL', worker);
    goOn();
    expect(await until('worker_killed')).toContain(`(pid ${worker}) was killed by SIGKILL, from outside`);
    await until('replaced_all');
    await eventually(() => running.children().length === 3);
    expect(await ask()).toMatch(/^version 2 /);
    expect(heard('worker_crashed')).toEqual([]);
    expect(await stop()).toBe('status 0');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends it as ever, once requests are answered.',
    async (signal) => {
      const { running, heard, until, goOn } = await startSlowly();
      running.kill(signal);
      goOn();
      expect(await until('shutdown_started')).toMatch(new RegExp(`^${signal}: ending once all requests`));
      expect(await running.exit()).toBe('status 0');
      expect(heard('shutdown_finished')).toHaveLength(1);
    },
  );

  test('SIGQUIT ends it at once.', async () => {
    const { running, goOn } = await startSlowly();
    running.kill('SIGQUIT');
    goOn();
    expect(await running.exit()).toBe('status 0');
  });

  test('SIGHUP, SIGTTIN and SIGUSR1 wait for it, and SIGUSR1 opens no inspector.', async () => {
    const { running, until, goOn, stop } = await startSlowly();
    for (const signal of ['SIGUSR1', 'SIGTTIN', 'SIGHUP'] as const) running.kill(signal);
    goOn();
    await until('logs_reopened');
    expect(await until('worker_added')).toBe('SIGTTIN: 3 workers');
    await until('replaced_all');
    await eventually(() => running.children().length === 4);
    expect(running.stderr).not.toMatch(/Debugger listening/);
    expect(await stop()).toBe('status 0');
  });

  test('a second SIGUSR2 is another succession.', async () => {
    const { running, folder, until, goOn, ask, stop } = await startSlowly();
    rmSync(join(folder, 'slow'));
    running.kill('SIGUSR2');
    goOn();
    await until('succession_finished', 2);
    await until('replaced_all');
    await eventually(() => running.children().length === 3);
    expect(await ask()).toMatch(/^version 2 /);
    expect(await stop()).toBe('status 0');
  });
});
