/** `prefork stack` says where the JavaScript of each worker is, also while it hangs, and which requests it has in hand. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Sight } from '../../../lib/manager/shown/sight';
import { COMMAND, prefork } from '../../helpers/command';
import { asNobody, isRoot } from '../../helpers/nobody';
import { type Served, serve } from '../../helpers/served';
import { ROOT } from '../../helpers/stdin';

const APP = `
  const { createServer } = require('node:http');
  function spinsHere() { for (;;); }
  createServer((request, response) => {
    if (request.url === '/spin') setTimeout(spinsHere, 0);
    else if (request.url === '/pid') response.end(String(process.pid));
    if (request.url !== '/pid') console.log('has ' + request.url + ' ' + process.pid);
  }).listen(0, '127.0.0.1');`;

function start(workers: number, app = APP, options: string[] = []): Promise<Served> {
  return serve(['app.js', '-w', String(workers), '--hang-timeout', '0', ...options], {
    files: { 'app.js': app },
    until: /workers? ready/,
  });
}

async function run({ running, folder }: Served, ...args: string[]) {
  const { status, stdout, stderr } = await prefork(folder, ['stack', String(running.pid), ...args]).result;
  return { status, stdout, stderr };
}

/** Until all is as it is to be: a worker that does nothing runs JavaScript, too, for a moment at each beat. */
async function stackOf(served: Served, pattern: RegExp, ...args: string[]): Promise<string> {
  for (;;) {
    const { status, stdout, stderr } = await run(served, ...args, '--timeout', '50s');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    if (pattern.test(stdout)) return stdout;
  }
}

async function workers({ running, folder }: Served): Promise<Sight['workers']> {
  const { stdout } = await prefork(folder, ['status', '--json', String(running.pid)]).result;
  return (JSON.parse(stdout) as Sight).workers;
}

test('One that is idle waits in its event loop, with what it has in hand, without queries; asked again and again.', async () => {
  const served = await start(1);
  const waits = served.ask('/waits?token=secret').catch(() => 'cut');
  await served.until(/has \/waits/);
  for (let i = 0; i < 2; i++) {
    await stackOf(
      served,
      /^worker 0 \(pid \d+\) waits in its event loop\n {2}in hand for \d+ (ms|s|min.*): GET \/waits\?…\n$/,
    );
  }
  expect(await served.stop('SIGQUIT')).toBe('status 0');
  expect(await waits).toBe('cut');
});

test('One that hangs says in which line; it alone is asked if that is wanted, by id or pid.', async () => {
  const served = await start(2);
  const spins = served.ask('/spin').catch(() => 'cut');
  const all = await stackOf(
    served,
    /(?=[\s\S]*^worker [01] \(pid \d+\) waits in its event loop$)(?=[\s\S]*^worker [01] \(pid \d+\) runs JavaScript\n {4}at .*spinsHere .*app\.js:3:\d+\)\n( {4}at .*\n)+ {2}in hand for .*: GET \/spin$)/m,
  );
  const [, id = '', pid = ''] = /worker ([01]) \(pid (\d+)\) runs/.exec(all) ?? [];
  for (const name of [id, pid]) {
    const stdout = await stackOf(served, /spinsHere/, name);
    expect(stdout).toMatch(new RegExp(`^worker ${id} \\(pid ${pid}\\) runs JavaScript\n`));
    expect(stdout.match(/^worker/gm)).toHaveLength(1);
  }
  expect(await served.stop('SIGQUIT')).toBe('status 0');
  expect(await spins).toBe('cut');
});

test('As JSON: all of them as one object, those that have not answered with the reason.', async () => {
  const served = await start(3);
  const spins = served.ask('/spin').catch(() => 'cut');
  await served.until(/has \/spin \d+\n/);
  const [, spinning] = /has \/spin (\d+)/.exec(served.running.stdout) ?? [];
  const first = (await workers(served)).find(({ pid }) => pid !== Number(spinning));
  process.kill(first?.pid ?? 0, 'SIGSTOP');
  let [code, all, said]: [number | null, Record<string, unknown>[], string] = [0, [], ''];
  // Until the loop has come to where it hangs, and a worker that does nothing is not just at its beat.
  while (!JSON.stringify(all).includes('spinsHere') || all.filter(({ error }) => error !== null).length > 1) {
    const { status, stdout, stderr } = await run(served, '--json', '--timeout', '3s');
    [code, all, said] = [status, (JSON.parse(stdout) as { workers: typeof all }).workers, stderr];
  }
  expect(code).toBe(1);
  expect(said).toMatch(/^prefork: Worker \d .* has said nothing for 3 s.*\n$/);
  process.kill(first?.pid ?? 0, 'SIGCONT');
  expect(all.map(({ id }) => id)).toEqual([0, 1, 2]);
  const nothing = { stack: null, requests: [], more: 0 };
  expect(all.find(({ id }) => id === first?.id)).toEqual({
    ...nothing,
    id: first?.id,
    pid: first?.pid,
    error: expect.stringMatching(/^Worker \d .* has said nothing for 3 s/),
  });
  const busy = all.find(({ stack }) => JSON.stringify(stack).includes('spinsHere'));
  expect(busy).toMatchObject({
    more: 0,
    error: null,
    requests: [{ name: 'GET /spin', age: expect.any(Number) }],
  });
  expect((busy?.['stack'] as string[] | undefined)?.[0]).toMatch(/^at .*spinsHere .*app\.js:3:\d+\)$/);
  const idle = all.find((each) => each['error'] === null && each !== busy);
  expect(idle).toMatchObject({ requests: [], more: 0 });
  expect(await served.stop('SIGQUIT')).toBe('status 0');
  expect(await spins).toBe('cut');
});

test('One that cannot answer is given up, the others answer, and the status is 1.', async () => {
  const served = await start(2);
  const [first] = await workers(served);
  process.kill(first?.pid ?? 0, 'SIGSTOP');
  const { status, stdout, stderr } = await run(served, '--timeout', '8s');
  process.kill(first?.pid ?? 0, 'SIGCONT');
  expect(status).toBe(1);
  expect(stdout).toMatch(/^worker 1 \(pid \d+\) (waits in its event loop|runs JavaScript)$/m);
  expect(stdout).not.toMatch(/worker 0/);
  expect(stderr).toMatch(
    /^prefork: Worker 0 \(pid \d+\) has said nothing for 8 s, its last beat was .* ago\. .*: the process is stopped by a signal\n$/,
  );
  expect(await served.stop()).toBe('status 0');
});

test('One that ends before it has answered is told of; one that is not there, too.', async () => {
  const served = await start(1);
  const [first] = await workers(served);
  const pid = first?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  const asked = run(served, String(pid), '--timeout', '50s');
  process.kill(pid, 'SIGKILL');
  const { status, stderr } = await asked;
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /Worker 0 \(pid \d+\) ended before it had answered|Expected the id or pid of a worker|has no workers yet/,
  );
  const none = await run(served, 'no-worker\x1b[2J');
  expect(none.status).toBe(1);
  expect(none.stderr).toMatch(
    /^prefork: Expected the id or pid of a worker but received 'no-worker\?\[2J'\./,
  );
  expect(await served.stop()).toBe('status 0');
});

test('Several commands at once: each gets the answers to its own questions.', async () => {
  const served = await start(2);
  const ids = [0, 1, 0, 1];
  const answers = await Promise.all(ids.map((id) => run(served, String(id), '--timeout', '50s')));
  for (const [i, { status, stdout, stderr }] of answers.entries()) {
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.match(/^worker \d/gm)).toEqual([`worker ${ids[i]}`]);
  }
  expect(await served.stop()).toBe('status 0');
});

test('The child of a worker does not answer for it.', async () => {
  const app = `
    const { fork } = require(${JSON.stringify(ROOT)});
    require('node:http').createServer((request, response) => {
      const child = fork();
      if (child === 0) for (;;);
      response.end(String(child));
    }).listen(0, '127.0.0.1');`;
  const served = await start(1, app);
  const child = Number(await served.ask());
  const [worker] = await workers(served);
  const own = new RegExp(`^worker 0 \\(pid ${worker?.pid}\\) waits in its event loop\n$`);
  for (let i = 0; i < 2; i++) await stackOf(served, own);
  process.kill(child, 'SIGKILL');
  expect(await served.stop()).toBe('status 0');
});

/** A worker that does this again and again, so that the command finds it there whenever it looks. */
async function vandal(lie: string): Promise<Served> {
  const app = `
    const { sharedQuestions } = require(${JSON.stringify(join(ROOT, 'dist', 'shared', 'memory.js'))});
    const bytes = sharedQuestions();
    const { buffer, byteOffset } = bytes;
    const words = new Int32Array(buffer, byteOffset, 10);
    const [ROW, STATE, ANSWERER, WRITTEN] = [1, 6, 7, 8];
    require('node:http').createServer((_, response) => {
      response.end();
      setTimeout(() => { for (;;) { ${lie} } }, 0);
    }).listen(0, '127.0.0.1');`;
  const served = await start(1, app);
  await served.ask();
  return served;
}

test('A worker whose answer a terminal would obey: the command ends, and nothing reaches the terminal that it obeys.', async () => {
  // For nobody else, so that the worker does not answer truly in between.
  const served = await vandal(`
    const frames = 'at \\x1b[2J\\u202ex\\nat y\\x9b31m';
    const request = { name: 'GET \\x1b]0;x\\x07', age: 1 };
    const answer = JSON.stringify({ pid: process.pid, stack: frames, requests: [request], more: 0 });
    words[ROW] = -1;
    [words[WRITTEN], words[STATE]] = [Buffer.from(buffer, byteOffset + 4096).write(answer), 2];`);
  let answer = await run(served, '--timeout', '50s');
  // Half of it, if the command has put the question while the worker wrote it.
  while (answer.status === 1) {
    expect(answer.stderr).toMatch(/^prefork: What worker 0 \(pid \d+\) answers is no answer\n$/);
    answer = await run(served, '--timeout', '50s');
  }
  const { status, stdout, stderr } = answer;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.replace(/\(pid \d+\)/, '')).toBe(
    'worker 0  runs JavaScript\n    at ?[2J?x\n    at y?31m\n  in hand for 1 ms: GET ?]0;x?\n',
  );
  expect(await served.stop('SIGQUIT')).toBe('status 0');
});

test.each([
  ['nothing but escapes everywhere', 'bytes.fill(0x1b);'],
  ['more bytes than there is room for', 'words[WRITTEN] = -1;'],
  ['signs of life, and no answer', '[words[STATE], words[WRITTEN]] = [1, 0]; words[ANSWERER] += 1;'],
])('A worker that writes %s: the command ends, with status 1 and a reason.', async (_, lie) => {
  const served = await vandal(`words[ROW] = -1; ${lie}`);
  const { status, stdout, stderr } = await run(served, '--timeout', '2s');
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(
    /^prefork: (Worker 0 \(pid \d+\) has said nothing for 2 s|What the worker answers is no answer)[ -~]*\n$/,
  );
  expect(await served.stop('SIGQUIT')).toBe('status 0');
});

test.runIf(isRoot)('Another user may not ask.', async () => {
  const served = await start(1);
  const script = `
    const { spawnSync } = require('node:child_process');
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    console.log(JSON.stringify({ status, stdout, stderr }));`;
  const asked = asNobody(script, COMMAND, 'stack', String(served.running.pid));
  const { status, stdout, stderr } = JSON.parse((await asked.result).stdout);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/belongs to user 0: only that user and root may look into it/);
  expect(await served.stop()).toBe('status 0');
});
