/**
 * How the service was in each of the last seconds. In memory that all its processes share, so that an attendant goes on with what
 * the one before has written; the seconds are those of the clock, and two that write one mean the same.
 */
import { sharedSamples } from '../../shared/memory';

/** What is noted once a second. Requests, errors, answers and times are of all workers since the service began. */
const FIELDS = [
  'second',
  'requests',
  'errors',
  'answers',
  'answerSeconds',
  'cpu',
  'connections',
  'waiting',
  'ready',
  'wanted',
  'loopDelay',
  'privateMemory',
] as const;
export type Sample = Record<(typeof FIELDS)[number], number>;

/** How far back. */
const SECONDS = 600;
/** Numbers of a sample: two cache lines. */
const LINE = 16;

export function noteSample(sample: Sample): void {
  const at = (Math.floor(sample.second) % SECONDS) * LINE;
  sharedSamples().set(
    FIELDS.map((field) => sample[field]),
    at,
  );
}

/** The oldest first, as lists of numbers: any process of the service can write there. */
function samplesUntil(second: number): number[][] {
  const numbers = sharedSamples();
  return Array.from({ length: SECONDS }, (_, index) => {
    const at = index * LINE;
    return [...numbers.subarray(at, at + FIELDS.length)].map(believed);
  })
    .filter(([at = 0]) => at > second - SECONDS && at <= second)
    .sort(([one = 0], [other = 0]) => one - other);
}

/** With what the numbers are: a page that is open may be older than the service, or newer. */
export function historyUntil(second: number): { fields: readonly string[]; samples: number[][] } {
  return { fields: FIELDS, samples: samplesUntil(second) };
}

export function listOf(sample: Sample): number[] {
  return FIELDS.map((field) => believed(sample[field]));
}

function believed(value: number): number {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : 0;
}
