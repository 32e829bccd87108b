import { get } from 'node:http';
import { expect, test } from 'vitest';
import { cpuCount } from '../..';
import { type Program, start } from '../helpers/run';

interface Example {
  program: Program;
  port: number;
}

async function startExample(): Promise<Example> {
  const program = start('../../examples/server.mjs', { env: { PORT: '0' } });
  const [, port] = /^http:\/\/localhost:(\d+), parent \d+$/.exec(await program.line()) ?? [];
  return { program, port: Number(port) };
}

/** The pid of the worker that answers. */
function ask(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.setEncoding('utf8');
      response.once('data', (text: string) => {
        resolve(Number(/^hello from worker (\d+)\n$/.exec(text)?.[1]));
      });
    });
    request.once('error', reject);
  });
}

test('The workers answer, and not the parent.', async () => {
  const { program, port } = await startExample();
  for (let i = 0; i < 20; i++) {
    const worker = await ask(port);
    expect(worker).toBeGreaterThan(0);
    expect(worker).not.toBe(program.pid);
  }
});

/** The first answer from a worker that has not answered before. */
async function askUntilNew(port: number, known: Set<number>): Promise<number> {
  for (;;) {
    const worker = await ask(port);
    if (!known.has(worker)) return worker;
  }
}

test('A worker that is killed is replaced.', async () => {
  const { program, port } = await startExample();
  const known = new Set<number>();
  for (let i = 0; i < cpuCount(); i++) known.add(await askUntilNew(port, known));
  const [victim = 0] = known;
  process.kill(victim, 'SIGKILL');
  await askUntilNew(port, known);
  program.kill('SIGINT');
  const { status, stderr } = await program.result;
  expect(status).toBe(0);
  expect(stderr).toMatch(new RegExp(`^child \\d+ \\(pid ${victim}\\) killed by signal 9, restarting\n$`));
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends all of it, without a word.', async (signal) => {
  const { program, port } = await startExample();
  await ask(port);
  program.kill(signal);
  // The result comes when nobody holds the output any more: no worker is left.
  expect(await program.result).toMatchObject({ status: 0, signal: null, stderr: '' });
  expect((await program.result).stdout.split('\n')).toHaveLength(2);
});

test('Ctrl-C, which reaches every process, ends all of it, too.', async () => {
  const { program, port } = await startExample();
  await ask(port);
  process.kill(-program.pid, 'SIGINT');
  expect(await program.result).toMatchObject({ status: 0, signal: null, stderr: '' });
});
