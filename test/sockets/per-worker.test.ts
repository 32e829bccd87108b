import { get } from 'node:http';
import { expect, test } from 'vitest';
import { bindSockets } from '../..';
import { start } from '../helpers/run';
import { canTakeTurns, WITHOUT_TURNS } from '../helpers/turns';

/** Each on a connection of its own. */
function answer(port: number, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    });
    request.on('error', reject);
  });
}

const COUNT = 40; // that none of them comes to one of two workers has the probability of 2 in 10^12

function answers(port: number): Promise<string[]> {
  return Promise.all(Array.from({ length: COUNT }, () => answer(port)));
}

test.runIf(canTakeTurns)('The sockets take turns: each has as many connections as the other.', async () => {
  const program = start('sockets/per-worker.js');
  const port = Number(await program.line());
  for (let round = 0; round < 5; round++) {
    const seen = await answers(port);
    expect(seen.filter((id) => id === '0')).toHaveLength(COUNT / 2);
  }
});

test('Where they may not, the kernel chooses by a hash, and each has some.', async () => {
  const program = start('sockets/per-worker.js', { under: WITHOUT_TURNS });
  const port = Number(await program.line());
  expect(new Set(await answers(port))).toEqual(new Set(['0', '1']));
});

test.each([[[]], [WITHOUT_TURNS]])(
  'A worker that is started again takes over the queue of its forerunner: no waiting connection is lost (%j).',
  async (under) => {
    const program = start('sockets/per-worker.js', { under });
    const port = Number(await program.line());
    await answer(port);
    answer(port, '/die').catch(() => {}); // the one connection that is
    expect(await program.line()).toBe('dying');
    const waiting = answers(port);
    program.stdin.write('x');
    expect(new Set(await waiting)).toEqual(new Set(['0', '1']));
  },
);

test('A worker for which no socket was bound is told so.', async () => {
  const program = start('sockets/per-worker.js', { args: ['1'] });
  await program.line(); // the port
  expect(await program.line()).toBe(
    'ERR_PREFORK_INVALID_ARG_VALUE Expected a socket for worker 1 but perWorker was at most 1',
  );
});

test('A worker that has ended for good leaves no queue behind in which connections would wait in vain.', async () => {
  const program = start('sockets/per-worker-ends.js');
  const port = Number(await program.line());
  const left = await answer(port, '/leave');
  // What comes before the parent has noticed is reset.
  let seen = new Set([left]);
  while (seen.has(left)) seen = new Set(await answers(port).catch(() => [left]));
  expect([...seen]).toEqual([left === '0' ? '1' : '0']);
});

test('More sockets than processes: it is refused, since nobody would serve them.', async () => {
  const program = start('sockets/per-worker.js', { args: ['3'] });
  const { status, stderr } = await program.result;
  expect(status).toBe(1);
  expect(stderr).toContain(
    'Expected a process for each socket that was bound with perWorker: 3 but numProcesses was 2',
  );
});

test('perWorker gives as many sockets on one port, each for one worker.', () => {
  const sockets = bindSockets(0, '127.0.0.1', { perWorker: 3 });
  expect(sockets.map(({ worker }) => worker)).toEqual([0, 1, 2]);
  expect(new Set(sockets.map((socket) => JSON.stringify(socket.address()))).size).toBe(1);
  for (const socket of sockets) socket.close();
  for (const perWorker of [0, -1, 1.5, 5000]) {
    expect(() => bindSockets(0, '127.0.0.1', { perWorker })).toThrow(RangeError);
  }
});
