/**
 * A pool for vitest 4 and 5 in which every test file has a process of its own, at the cost of a fork: `pool: preforkPool()`
 * in vitest.config.ts.
 * @module
 */
import type { PoolRunnerInitializer } from 'vitest/node' with { 'resolution-mode': 'import' };
import { object } from './base/arguments';
import { invalidType } from './base/errors';
import { knownOptions } from './base/option-names';
import { NAME, PreforkWorker } from './vitest/pool-worker';
import { Templates } from './vitest/templates';

/** Options of `preforkPool()`. */
export interface PreforkPoolOptions {
  /**
   * Packages that are evaluated once, in the process that files are forked from, after its environment is set up and before
   * any setup file; every file has them then, evaluated. Name what takes long to load and only defines things. One that
   * fails, that opens something, that registers hooks of tests, or that vitest transforms is left to the files, with a
   * warning. Default: none.
   */
  preload?: readonly string[];
  /**
   * `'auto'`: setup files and modules are evaluated once for all files that begin with them, in the same order, as far as
   * nothing shows outside of the process; a file that fails there is run once more by itself, and that result is the one that
   * is reported. `false`: each file evaluates all that it imports. Default: `'auto'`.
   */
  warm?: 'auto' | false;
}

const OPTIONS = ['preload', 'warm'] as const satisfies readonly (keyof PreforkPoolOptions)[];

/**
 * Makes the pool: for `test.pool` in vitest.config.ts.
 *
 * Each test file runs in a process of its own, as in vitest's pool `forks`. But this is no new Node: it is forked from a
 * process in which vitest has begun, with the environment of the file (node, jsdom, happy-dom) set up.
 *
 * Where that cannot be, the files of a project run in vitest's own pool `forks`, and a warning says why: elsewhere than on
 * Linux, with `isolate: false`, with a debugger or profiler, with `experimental.viteModuleRunner: false` or
 * `experimental.openTelemetry`.
 *
 * See docs/testing.md.
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE` for an option of another name
 */
export function preforkPool(options: PreforkPoolOptions = {}): PoolRunnerInitializer {
  knownOptions('options', object('options', options), OPTIONS);
  const { preload = [], warm = 'auto' } = options;
  if (!Array.isArray(preload) || !preload.every((name) => typeof name === 'string'))
    throw invalidType('options.preload', 'an array of names', preload);
  if (warm !== 'auto' && warm !== false) throw invalidType('options.warm', "'auto' or false", warm);
  const templates = new Templates(preload, warm === 'auto');
  return { name: NAME, createPoolWorker: (options) => new PreforkWorker(options, templates) };
}
