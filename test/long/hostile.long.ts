/**
 * MINUTES of a worker, of another user, that does whatever it can (test/fixtures/manager/vandal.js), while the operator
 * reloads, reopens logs, and adds and removes workers: the manager lives, serves, does not grow, touches nothing of root's,
 * and ends when it is told to.
 */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMAND, program } from '../helpers/command';
import { get } from '../helpers/manager';
import { isRoot, sharedFolder } from '../helpers/nobody';
import { PYTHON } from '../helpers/oracle';
import { freePort } from '../helpers/port';
import { stateOf } from '../helpers/proc';
import type { Program } from '../helpers/run';
import { type Holdings, holdings, least } from './deployment';

const MINUTES = Number(process.env['MINUTES'] ?? 10);
/** Nobody's in Debian, so that it may kill all of its own. */
const USER = 64_123;
const FIXTURE = join(__dirname, '..', 'fixtures', 'manager', 'vandal.js');
const NAMESPACE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
const OPERATOR = ['SIGHUP', 'SIGUSR1', 'SIGTTIN', 'SIGTTOU', 'SIGUSR1'] as const;
const PAUSE = 2_000;
/** Rounds, in one of which at least V8 has collected its garbage. */
const LOOKS = 15;
const GROWTH = 8 * 2 ** 20;
/** Channels of those that are just being replaced. */
const MORE_DESCRIPTORS = 20;
/** Lines that tell of it are worth a look; these would be wrong. */
const NEVER = ['manager_failed', 'start_failed', 'boot_failed', 'restart_limit_reached', 'pid_file_failed'];

/** What a folder and all in it look like: names, owners, modes, contents, times. */
function looksOf(folder: string): string {
  const look = (path: string): string => {
    const { uid, gid, mode, mtimeMs, ctimeMs, nlink } = lstatSync(path);
    const { size } = lstatSync(path);
    return JSON.stringify({ path, uid, gid, mode, mtimeMs, ctimeMs, nlink, size });
  };
  const names = readdirSync(folder).sort();
  return [look(folder), ...names.map((name) => look(join(folder, name)))].join('\n');
}

function stage() {
  const { folder, theirs } = sharedFolder();
  const bait = join(folder, 'bait');
  mkdirSync(bait);
  writeFileSync(join(bait, 'file'), "root's alone", { mode: 0o600 });
  writeFileSync(join(bait, 'readable'), "root's", { mode: 0o644 });
  chownSync(theirs, USER, USER);
  mkdirSync(join(theirs, 'swapped'));
  chownSync(join(theirs, 'swapped'), USER, USER);
  chmodSync(bait, 0o755);
  return { bait, theirs };
}

/** Asks without pause; what comes of it is counted. */
class Clients {
  answered = 0;
  readonly errors = new Map<string, number>();
  #isOver = false;

  constructor(port: number, count: number) {
    for (let i = 0; i < count; i++) void this.#ask(port);
  }

  async #ask(port: number): Promise<void> {
    while (!this.#isOver) {
      try {
        if (!/^\d+$/.test(await get({ port }))) throw new Error('not whole');
        this.answered += 1;
      } catch (error) {
        const code = String((error as NodeJS.ErrnoException).code ?? error);
        this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  async more(count: number): Promise<void> {
    const enough = this.answered + count;
    while (this.answered < enough) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  stop(): void {
    this.#isOver = true;
  }
}

function eventsOf({ stderr }: Program): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, event = ''] of stderr.matchAll(/"event":"(\w+)"/g))
    counts.set(event, (counts.get(event) ?? 0) + 1);
  return counts;
}

test.runIf(isRoot)(
  'It lives through all that a worker of another user can do, and ends at TERM.',
  async () => {
    const { bait, theirs } = stage();
    const port = freePort();
    const options = ['-w', '4', '--user', String(USER), '--group', String(USER), '--log-format', 'json'];
    const places = ['--bind', `127.0.0.1:${port}`, '--bind', `unix:${join(theirs, 'swapped', 'app.sock')}`];
    const times = ['--graceful-timeout', '3s', '--boot-timeout', '20s', '--hang-timeout', '2s'];
    const restart = ['--restart-max-delay', '200ms', '--restart-min-delay', '100ms'];
    const running = program(
      'sh',
      [
        ...['-c', 'exec "$@" >> "$THEIRS/log"', 'sh', ...NAMESPACE, process.execPath, COMMAND, FIXTURE],
        ...[...options, ...times, ...restart, ...places, '--pid-file', join(theirs, 'pid')],
      ],
      {
        cwd: theirs,
        env: { THEIRS: theirs, BAIT: bait, PYTHON },
        deadman: MINUTES * 60_000 + 120_000,
      },
    );
    // They need not all be ready at any moment: one of them may be killed for what it does before it is.
    await running.until(/listening_started/);
    const [manager = 0] = running.children();
    const roots = [bait, '/etc/cron.d', '/etc'].map((folder) => ({ folder, looks: looksOf(folder) }));
    const clients = new Clients(port, 6);
    await clients.more(20);
    const before = holdings(manager);
    const looks: Holdings[] = [];
    const end = performance.now() + MINUTES * 60_000;
    for (let round = 0; performance.now() < end; round++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      expect(stateOf(manager), running.stderr.slice(-4000)).toMatch(/[RSD]/);
      process.kill(manager, OPERATOR[round % OPERATOR.length]);
      await clients.more(20);
      for (const { folder, looks } of roots) expect(looksOf(folder)).toBe(looks);
      expect(readFileSync(join(bait, 'file'), 'utf8')).toBe("root's alone");
      const now = holdings(manager);
      looks.push(now);
      expect(now.descriptors - before.descriptors).toBeLessThan(MORE_DESCRIPTORS);
      if (looks.length % LOOKS === 0) {
        expect(least(looks.slice(-LOOKS), 'private') - before.private).toBeLessThan(GROWTH);
        console.log(
          JSON.stringify({ round, ...now, answered: clients.answered, errors: [...clients.errors] }),
        );
      }
    }
    console.log(JSON.stringify([...eventsOf(running)]));
    for (const event of NEVER) expect(eventsOf(running).get(event), event).toBeUndefined();
    clients.stop();
    process.kill(manager, 'SIGTERM');
    expect(await running.exit()).toBe('status 0');
    for (const { folder, looks } of roots) expect(looksOf(folder)).toBe(looks);
  },
);
