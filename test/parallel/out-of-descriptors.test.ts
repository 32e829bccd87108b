/** Where descriptors or memory run out, whatever was begun is undone, the error says why, and afterwards all works again. */
import { expect, test } from 'vitest';
import { run } from '../helpers/run';

/** So that all of them are taken quickly. */
const LIMITED = ['sh', '-c', 'ulimit -n 120; exec "$@"', 'sh'];

const FEW = ': this process has as many open files as it may (ulimit -n)';

test.each([
  ['inChild()', 1],
  ['inChild() many times', Array.from({ length: 8 }, () => 1)],
  ['inChild() with progress', undefined],
  ['inChild() with a limit', 1],
  ['inChild() with a large buffer', 2 ** 21],
  ['Pool.run()', 1],
  ['Pool.map()', [1, 2, 3]],
  ['Pool.map() with large buffers', 2 ** 21],
  ['Process', 7],
  ['Process many times', Array.from({ length: 8 }, () => 7)],
  ['wait()', 1],
  ['Lock.acquire()', undefined],
  ['Queue.get()', undefined],
  ['Queue.getSync()', undefined],
  ['JoinableQueue.join()', undefined],
  ['Event.wait()', false],
  ['Connection.poll()', false],
  ['Connection.recv()', 1],
])('%s fails at each of its opens without a trace, and then goes well.', async (work, value) => {
  const { stdout, ...end } = await run('parallel/out-of-descriptors.js', { args: [work], under: LIMITED });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  const { errors, ...outcome } = JSON.parse(stdout);
  expect(outcome).toEqual({ value, again: value });
  expect(errors).not.toEqual([]);
  for (const error of errors) expect(error).toMatch(new RegExp(`^\\w+ EMFILE${FEW.replace(/[()]/g, '.')}$`));
});

test.each([
  ['no memory to send', { value: [1, 2, 3] }],
  ['no eye on what is sent', { error: `epoll_ctl EMFILE${FEW}` }],
  ['no descriptor for what comes', { error: `recvmsg EMFILE${FEW}` }],
  ['no eye on answers', { error: `epoll_ctl EMFILE${FEW}` }],
  ['no memory for a child', { error: 'fork ENOMEM' }],
])('With %s a call ends as it must, and leaves no child.', async (what, outcome) => {
  const { stdout, ...end } = await run('parallel/broken-messages.js', { args: [what], under: LIMITED });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({ ...outcome, left: '', again: [1, 2] });
});
