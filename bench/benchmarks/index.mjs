/** Every benchmark, in the order of docs/benchmarks.md: what one turn of it measures, and its table. */
import { beginning } from './beginning.mjs';
import { forks } from './forks.mjs';
import { growth } from './growth.mjs';
import { jit } from './jit.mjs';
import { latency } from './latency.mjs';
import { layout } from './layout.mjs';
import { memory } from './memory.mjs';
import { messages } from './messages.mjs';
import { multiprocessing } from './multiprocessing.mjs';
import { parallel } from './parallel.mjs';
import { ready } from './ready.mjs';
import { requests } from './requests.mjs';
import { spawns } from './spawns.mjs';
import { spread } from './spread.mjs';
import { tail } from './tail.mjs';
import { testing } from './testing.mjs';
import { throughput } from './throughput.mjs';

export const benchmarks = [
  forks,
  layout,
  ready,
  beginning,
  spawns,
  jit,
  requests,
  throughput,
  spread,
  tail,
  latency,
  memory,
  growth,
  parallel,
  multiprocessing,
  testing,
  messages,
];
