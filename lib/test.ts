/**
 * node:test with every test file in a process of its own, at the cost of a fork.
 * @module
 */
import { run as runFiles } from 'node:test';
import { object } from './base/arguments';
import { invalidType } from './base/errors';
import { Run, within } from './node-test/runs';

/** What `run()` of node:test takes in your Node, and `preload`. */
export type RunOptions = NonNullable<Parameters<typeof runFiles>[0]> & {
  /**
   * Modules that are evaluated once, in the process that files are forked from; every file has them then, evaluated. They
   * are imported as by a module in the working directory: packages, or paths that begin with a dot. Name what takes long to
   * load and only defines things. One that fails, that opens something, or that registers tests or hooks is left to the
   * files, with a warning. Default: none.
   */
  preload?: readonly string[];
};

/**
 * `run()` of node:test: runs test files, and returns the stream of what becomes of them, for all of node:test's reporters.
 *
 * Each file runs in a process of its own. But this is no new Node: it is forked from a process, with the same options and
 * variables, in which Node has started, node:test is loaded, and so are the modules of `preload`. What `run()` does in your
 * Node it does here, too; a test finds the same process but for `process.ppid` and the time since it started.
 *
 * Where that cannot be, node:test starts the process itself, and a warning (`PreforkWarning`) says why: elsewhere than on
 * Linux, in watch mode, with a debugger or a profiler, or when something that `--import` or `--require` loads opens something
 * or registers hooks.
 *
 * See docs/testing.md.
 * @param options as for `run()` of node:test, and `preload`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, and whatever `run()` of node:test throws
 */
export function run(options: RunOptions = {}): ReturnType<typeof runFiles> {
  const { preload = [], ...others } = object('options', options) as RunOptions;
  if (!Array.isArray(preload) || !preload.every((name) => typeof name === 'string'))
    throw invalidType('options.preload', 'an array of names', preload);
  const { argv = [] } = others as { argv?: readonly string[] };
  const run = new Run({ preload, argv });
  const stream = within(run, () => runFiles(others));
  stream.once('close', () => run.retire());
  return stream;
}
