/** broadcast(): what one worker posts comes to all others, in order; who does not listen loses it, and keeps nobody waiting. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { program } from '../../helpers/command';
import { type Served, serve } from '../../helpers/served';
import { ROOT } from '../../helpers/stdin';

const APP = `
  const { createServer } = require('node:http');
  const { existsSync, readdirSync, readlinkSync, writeSync } = require('node:fs');
  const { broadcast, fork, waitpidAsync, worker, WEXITSTATUS, _exit } = require(${JSON.stringify(join(ROOT, 'dist', 'index.js'))});
  const [channel, same, other] = ['news', 'news', 'other'].map(broadcast);
  const got = [];
  let [lost, errors, others, sent] = [0, 0, 0, 0];
  let heard = () => {};
  channel.onmessage = ({ data }) => {
    got.push(data.text ?? [data.from, data.n]);
    if (data.from !== process.pid) heard();
  };
  channel.onlost = ({ count }) => { lost += count; };
  channel.onmessageerror = () => { errors++; };
  other.addEventListener('message', () => { others++; });
  const post = (n) => same.postMessage({ from: process.pid, n, at: new Map([[n, new Date()]]), bytes: new Uint8Array(3) });
  const routes = {
    '/state': () => ({ pid: process.pid, generation: worker().generation, got, lost, errors, others }),
    '/post': (times) => { for (let i = 0; i < times; i++) post(sent++); return process.pid; },
    '/flood': (times) => { for (let i = 0; i < times; i++) same.postMessage({ from: process.pid, n: sent++, much: 'x'.repeat(500_000) }); return process.pid; },
    '/say': (text) => { same.postMessage({ text, from: process.pid }); return process.pid; },
    '/tell': () => { same.postMessage({ text: 'of ' + process.pid }); return process.pid; },
    '/last': (text) => { same.postMessage({ text }); process.exit(7); },
    '/block': () => {
      writeSync(1, 'blocked: ' + process.pid + '\\n');
      while (!existsSync('go on'));
    },
    '/heard': () => new Promise((resolve) => {
      heard = () => resolve(got.at(-1));
      writeSync(1, 'listens\\n');
    }),
    '/child': async () => {
      const pid = fork();
      if (pid !== 0) return WEXITSTATUS((await waitpidAsync(pid))[1]);
      same.postMessage({ text: 'of a child' });
      setImmediate(() => _exit(got.at(-1) === 'of a child' ? 7 : 8));
      return new Promise(() => {});
    },
    '/lie': () => {
      const fd = readdirSync('/proc/self/fd').find((fd) => {
        try { return readlinkSync('/proc/self/fd/' + fd).includes('prefork-broadcast'); } catch { return false; }
      });
      const garbage = Buffer.from(Array.from({ length: 1 << 16 }, (_, i) => (i * 7919) >> 3));
      writeSync(Number(fd), garbage, 0, garbage.length, 0);
      writeSync(Number(fd), garbage, 0, garbage.length, 2048 * 64);
      return process.pid;
    },
  };
  createServer(async ({ url }, response) => {
    const [path, argument] = url.split('?');
    response.end(JSON.stringify(await routes[path](argument)));
  }).listen(0, '127.0.0.1');
`;

interface State {
  pid: number;
  generation: number;
  got: unknown[];
  lost: number;
  errors: number;
  others: number;
}

function start(workers: number, options: string[] = []): Promise<Served> {
  const args = ['app.js', '-w', String(workers), ...options];
  return serve(args, { files: { 'app.js': APP }, until: /\d workers? ready/ });
}

async function ask<T>(served: Served, path: string): Promise<T> {
  return JSON.parse(await served.ask(path)) as T;
}

/** Of as many workers, whichever answer, when it is so in each of them. */
async function whenAll(served: Served, count: number, holds: (state: State) => boolean): Promise<State[]> {
  const states = new Map<number, State>();
  for (;;) {
    const state = await ask<State>(served, '/state');
    if (holds(state)) states.set(state.pid, state);
    if (states.size === count) return [...states.values()];
  }
}

/** The numbers that came from each. */
function numbersBy({ got }: State): Map<number, number[]> {
  const by = new Map<number, number[]>();
  for (const [from, n] of got as [number, number][]) by.set(from, [...(by.get(from) ?? []), n]);
  return by;
}

test('What each worker posts comes to every other channel of the name, in order, and to none of another name.', async () => {
  const served = await start(3);
  const posted = new Map<number, number>();
  for (let i = 0; i < 12; i++) {
    const pid = await ask<number>(served, '/post?50');
    posted.set(pid, (posted.get(pid) ?? 0) + 50);
  }
  const states = await whenAll(served, 3, ({ got }) => got.length === 600);
  for (const state of states) {
    const expected = [...posted].map(([pid, count]) => [pid, Array.from({ length: count }, (_, n) => n)]);
    expect(numbersBy(state)).toEqual(new Map(expected as [number, number[]][]));
    expect([state.lost, state.errors, state.others]).toEqual([0, 0, 0]);
  }
  expect(await served.stop()).toBe('status 0');
});

test('A worker that does not turn its event loop keeps nobody waiting, and hears how much it has lost.', async () => {
  const served = await start(2, ['--hang-timeout', '0']);
  const blocked = served.ask('/block');
  await served.until(/blocked: \d+\n/);
  const blockedPid = Number(/blocked: (\d+)/.exec(served.running.stdout)?.[1]);
  expect(await ask<number>(served, '/flood?20')).not.toBe(blockedPid);
  writeFileSync(join(served.folder, 'go on'), '');
  await blocked;
  const hasHeard = ({ pid, got, lost }: State) => pid === blockedPid && got.length + lost === 20;
  const [state] = await whenAll(served, 1, hasHeard);
  expect(state?.lost).toBeGreaterThan(0);
  // From then on it is as the others.
  while ((await ask<number>(served, '/say?then')) === blockedPid);
  await whenAll(served, 1, (each) => each.pid === blockedPid && each.got.at(-1) === 'then');
  expect(await served.stop()).toBe('status 0');
});

test.each<[what: string, signal: NodeJS.Signals]>([
  ['a reload goes on', 'SIGHUP'],
  ['a new program takes over', 'SIGUSR2'],
])('While %s, workers of the old and of the new version hear each other.', async (_, signal) => {
  const served = await start(1);
  const old = ask<string>(served, '/heard');
  await served.until(/listens\n/);
  served.running.kill(signal);
  const [replacement] = await whenAll(served, 1, ({ generation }) => generation === 1);
  while ((await ask<number>(served, '/say?new')) !== replacement?.pid);
  expect(await old).toBe('new');
  await served.until(/Every worker has been replaced/);
  expect(await served.stop()).toBe('status 0');
});

test('What a worker posts right before it ends arrives, and the one in its place goes on, with what comes from then on.', async () => {
  const served = await start(2);
  const first = (await whenAll(served, 2, () => true)).map(({ pid }) => pid);
  const posted = new Set<number>();
  while (posted.size < 2) posted.add(await ask<number>(served, '/say?before'));
  await served.ask('/last?farewell').catch(() => {});
  await whenAll(served, 1, ({ got }) => got.at(-1) === 'farewell');
  // It hears what is posted after its birth, which is after its fork.
  await whenAll(served, 1, ({ pid }) => !first.includes(pid));
  for (const word of ['one', 'two']) await served.ask(`/say?${word}`);
  const now = await whenAll(served, 2, ({ got, lost }) => got.at(-1) === 'two' && lost === 0);
  const [replacement] = now.filter(({ pid }) => !first.includes(pid));
  expect(replacement?.got).not.toContain('before');
  expect(await served.stop()).toBe('status 0');
});

test('A worker that writes anything into the rings of all ends nobody, and what is posted then arrives.', async () => {
  const served = await start(3);
  const pids = (await whenAll(served, 3, () => true)).map(({ pid }) => pid).sort();
  await served.ask('/post?5');
  await served.ask('/lie');
  const all = pids.map((pid) => `of ${pid}`);
  const hear = async () => {
    await served.ask('/tell'); // the first time others may have to find their place again
    return ask<State>(served, '/state');
  };
  for (const heard = new Set<number>(); heard.size < 3; ) {
    const { pid, got } = await hear();
    if (all.every((each) => got.includes(each))) heard.add(pid);
  }
  expect((await whenAll(served, 3, () => true)).map(({ pid }) => pid).sort()).toEqual(pids);
  expect(await served.stop()).toBe('status 0');
});

test('A child that a worker forks speaks to itself alone.', async () => {
  const served = await start(2);
  expect(await ask<number>(served, '/child')).toBe(7);
  await served.ask('/say?then');
  const states = await whenAll(served, 2, ({ got }) => got.at(-1) === 'then');
  for (const { got } of states) expect(got).toEqual(['then']);
  expect(await served.stop()).toBe('status 0');
});

test('Where no manager runs it is a channel within the process; arguments are checked.', async () => {
  const code = `
    const { broadcast } = require('./dist/index.js');
    const [one, other, third] = ['a', 'a', 'b'].map(broadcast);
    for (const channel of [one, other, third]) channel.onmessage = (event) => console.log(channel === other, event.data);
    one.postMessage({ n: 1n });
    const attempts = [
      () => one.postMessage(() => {}),
      () => one.postMessage('x'.repeat(2 ** 20)),
      () => broadcast(1),
      () => broadcast('x'.repeat(257)),
      () => { third.close(); third.postMessage(1); },
    ];
    for (const attempt of attempts) try { attempt(); } catch (error) { console.log(error.name, error.message); }
  `;
  const { stdout, stderr, status } = await program(process.execPath, ['-e', code], { cwd: ROOT }).result;
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  expect(stdout).toMatchInlineSnapshot(`
    "Error () => {} could not be cloned.
    RangeError Expected a message of at most 1048576 bytes but received 1048585
    TypeError Expected a string for name but received 1 of type number
    RangeError Expected a name of at most 256 bytes but received 257 characters
    InvalidStateError The channel is closed
    true { n: 1n }
    "
  `);
});
