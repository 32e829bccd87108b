/** From what the command line, the environment and a file say to complete settings. The first to say something wins. */
import { invalidType, preforkError } from '../../base/errors';
import { autoWorkers } from '../../manager/parent/auto-workers';
import { DEFAULTS, type Hooks, type Settings } from '../../manager/settings';
import type { SettingName } from './options';
import { type Reader, Unexpected } from './values';

const MAX_PORT = 65535;

/** What one source says: values that have been read, by setting. */
export type Given = Map<SettingName, unknown>;

/**
 * The value that somebody has written for an option.
 *
 * @param where as he knows it: `--workers`, `WEB_CONCURRENCY`, `workers in prefork.config.js`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, TypeError `ERR_PREFORK_INVALID_ARG_VALUE`, RangeError
 *   `ERR_PREFORK_OUT_OF_RANGE`
 */
export function readOption<T>(read: Reader<T>, where: string, written: unknown): T {
  try {
    return read(written);
  } catch (error) {
    throw error instanceof Unexpected ? explain(error, where, written) : error;
  }
}

function explain({ expected, kind }: Unexpected, where: string, written: unknown): Error {
  if (kind === 'type') return invalidType(where, expected, written);
  const message = `Expected ${expected} for ${where} but received ${show(written)}`;
  if (kind === 'range') return preforkError('ERR_PREFORK_OUT_OF_RANGE', message, { Base: RangeError });
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message, { Base: TypeError });
}

function show(written: unknown): string {
  return typeof written === 'string' ? `'${written}'` : JSON.stringify(written);
}

/**
 * @param sources those that win first
 * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE`, TypeError `ERR_PREFORK_INVALID_ARG_VALUE` if two settings contradict each
 *   other
 */
export function complete(sources: readonly Given[], hooks: Hooks): Settings {
  const settings: Settings = { ...DEFAULTS, restart: { ...DEFAULTS.restart }, hooks };
  for (const given of [...sources].reverse()) {
    for (const [name, value] of given) assign(settings, name, value);
  }
  const { minDelay, maxDelay } = settings.restart;
  if (minDelay > maxDelay) {
    throw preforkError(
      'ERR_PREFORK_OUT_OF_RANGE',
      `Expected a restart-max-delay of at least restart-min-delay (${minDelay} ms) but received ${maxDelay} ms`,
      { Base: RangeError },
    );
  }
  if (settings.smallYoungGeneration && !settings.warmup) {
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      'Expected a warm-up with small-young-generation but received no-warmup',
      { Base: TypeError },
    );
  }
  const { workers, inspectPort } = settings;
  const others = (workers === 'auto' ? autoWorkers() : workers) - 1;
  if (inspectPort !== null && inspectPort + others > MAX_PORT) {
    throw preforkError(
      'ERR_PREFORK_OUT_OF_RANGE',
      `Expected an inspect-port with one for each worker above it, at most ${MAX_PORT - others}, but received ${inspectPort}`,
      { Base: RangeError },
    );
  }
  return settings;
}

/** Its reader has made sure that the value has the setting's type. */
function assign(settings: Settings, name: SettingName, value: unknown): void {
  const [outer = '', inner] = name.split('.');
  if (inner === undefined) Object.assign(settings, { [outer]: value });
  else Object.assign(settings.restart, { [inner]: value });
}

/** Goes to the working directory that was asked for: what comes after, the application's path first, is seen from there. */
export function enter(settings: Settings): void {
  if (settings.cwd === null) return;
  process.chdir(settings.cwd);
  settings.cwd = process.cwd();
}
