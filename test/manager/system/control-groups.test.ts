/** A control group that runs out of memory, or of processes, costs a worker, and never the manager. */
import { Agent } from 'node:http';
import { describe, expect, test } from 'vitest';
import { ControlGroup, canLimit } from '../../helpers/control-group';
import { get, Managed } from '../../helpers/manager';
import { isRoot } from '../../helpers/nobody';

const hasMemory = isRoot && canLimit('memory');
const hasPids = isRoot && canLimit('pids');

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
    const killed = await managed.until('worker_killed');
    expect(killed.message).toMatch(
      /^Worker \d+ \(pid \d+\) was killed by the kernel \(SIGKILL\): memory had run out, from outside: restarting it$/,
    );
    await managed.until('serving');
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
});
