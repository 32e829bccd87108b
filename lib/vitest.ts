/**
 * A pool for vitest 4 and 5 in which every test file has a process of its own, at the cost of a fork: `pool: preforkPool()`
 * in vitest.config.ts.
 * @module
 */
import type { PoolRunnerInitializer } from 'vitest/node' with { 'resolution-mode': 'import' };
import { NAME, PreforkWorker } from './vitest/pool-worker';
import { Templates } from './vitest/templates';

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
 * Never throws. See docs/testing.md.
 */
export function preforkPool(): PoolRunnerInitializer {
  const templates = new Templates();
  return { name: NAME, createPoolWorker: (options) => new PreforkWorker(options, templates) };
}
