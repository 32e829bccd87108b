import { get } from 'node:http';
import { expect, test } from 'vitest';
import { type Program, start } from './helpers/run';

interface Example {
  program: Program;
  port: number;
}

async function startExample(): Promise<Example> {
  const program = start('../../examples/server.js', { env: { PORT: '0' } });
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

test('A worker that is killed is replaced.', async () => {
  const { program, port } = await startExample();
  for (let i = 0; i < 3; i++) {
    const worker = await ask(port);
    process.kill(worker, 'SIGKILL');
    expect(await program.line()).toBe(`worker ${worker} ended (-9), starting another`);
    expect(await ask(port)).not.toBe(worker);
  }
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
