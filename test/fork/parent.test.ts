import { expect, test } from 'vitest';
import { run } from '../helpers/run';

async function printsLines(fixture: string, ...lines: string[]): Promise<void> {
  const { stdout, ...end } = await run(`fork/${fixture}`);
  expect({ ...end, lines: stdout.trimEnd().split('\n').sort() }).toEqual({
    status: 0,
    signal: null,
    stderr: '',
    lines: lines.sort(),
  });
}

test('Threads keep name, niceness, policy, affinity, mask and timer slack, in parent and child.', async () => {
  await printsLines('threads-kept.js', 'parent true', 'child true', '0');
});

test('Descriptors keep their numbers, kinds, flags and epoll members, and none is left over.', async () => {
  await printsLines('descriptors-kept.js', ...Array(20).fill(''), 'parent');
});

test('Spawning stays fast: the heap is left out of forks as before, in parent and child.', async () => {
  await printsLines('marks-kept.js', 'child true true', 'parent true true');
});
