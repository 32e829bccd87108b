import { expect, test } from 'vitest';
import { run } from '../helpers/run';

const cases = require('../fixtures/fork/libuv.js') as Record<string, unknown>;

test.each(Object.keys(cases))("libuv's %s holds.", async (name) => {
  expect(await run('fork/libuv.js', { args: [name] })).toEqual({
    status: 0,
    signal: null,
    stdout: 'ok\n',
    stderr: '',
  });
});

test('Every case of libuv has its counterpart.', () => {
  expect(Object.keys(cases)).toEqual([
    'fork_timer',
    'fork_socketpair',
    'fork_socketpair_started',
    'fork_signal_to_child',
    'fork_signal_to_child_closed',
    'fork_close_signal_in_child',
    'fork_fs_events_child',
    'fork_fs_events_child_dir',
    'fork_fs_events_file_parent_child',
    'fork_threadpool_queue_work_simple',
  ]);
});
