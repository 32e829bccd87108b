/** Makes complete settings of what the command line, the environment and a file say. The first one to set a value wins. */
import { invalidType, preforkError } from '../../base/errors';
import { autoWorkers } from '../../manager';
import { formatBind } from '../../manager/listening/bind';
import { type Bind, DEFAULTS, type Hooks, type Settings } from '../../manager/settings';
import { ByAddress } from '../../sockets/by-address';
import type { SettingName } from './options';
import { type Reader, Unexpected } from './values';

const MAX_PORT = 65535;

/** The values that one source gives, already read, by setting. */
export type Given = Map<SettingName, unknown>;

/**
 * Reads the value that somebody wrote for an option.
 *
 * @param where the name that the writer used: `--workers`, `WEB_CONCURRENCY`, `workers in prefork.config.js`
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
 * @param sources the winning one first
 * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE`, TypeError `ERR_PREFORK_INVALID_ARG_VALUE` if two settings contradict each
 *   other
 */
export function complete(sources: readonly Given[], hooks: Hooks): Settings {
  const settings = merge(sources, hooks);
  const { minDelay, maxDelay } = settings.restart;
  if (minDelay > maxDelay) {
    throw preforkError(
      'ERR_PREFORK_OUT_OF_RANGE',
      `Expected at least --restart-min-delay (${minDelay} ms) for --restart-max-delay but received ${maxDelay} ms`,
      { Base: RangeError },
    );
  }
  if (settings.smallYoungGeneration && !settings.warmup) {
    throw preforkError('ERR_PREFORK_INVALID_ARG_VALUE', '--small-young-generation needs --warmup', {
      Base: TypeError,
    });
  }
  if (settings.sticky !== null && settings.balanced) {
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      'Expected --sticky or --balanced but received both: the one has an address decide, the other a turn',
      { Base: TypeError },
    );
  }
  const { status, statusPublic } = settings;
  if (status !== null && !statusPublic && !isLocal(status)) {
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      `--status ${formatBind(status)} can be reached from other machines: take 127.0.0.1, [::1] or unix:path, or add --status-public`,
      { Base: TypeError },
    );
  }
  const { workers, inspectPort } = settings;
  const others = (workers === 'auto' ? autoWorkers() : workers) - 1;
  if (settings.sticky !== null && others >= ByAddress.MOST) {
    throw preforkError(
      'ERR_PREFORK_OUT_OF_RANGE',
      `Expected at most ${ByAddress.MOST} for --workers with --sticky but received ${others + 1}`,
      { Base: RangeError },
    );
  }
  if (inspectPort !== null && inspectPort + others > MAX_PORT) {
    throw preforkError(
      'ERR_PREFORK_OUT_OF_RANGE',
      `Expected at most ${MAX_PORT - others} for --inspect-port with ${others + 1} workers but received ${inspectPort}`,
      { Base: RangeError },
    );
  }
  return settings;
}

/** The same, without a look at whether they fit together: more may come. */
export function merge(sources: readonly Given[], hooks: Hooks = {}): Settings {
  const settings: Settings = { ...DEFAULTS, restart: { ...DEFAULTS.restart }, hooks };
  for (const given of [...sources].reverse()) {
    for (const [name, value] of given) assign(settings, name, value);
  }
  return settings;
}

function isLocal(bind: Bind): boolean {
  return bind.kind !== 'tcp' || /^(127(\.\d+){3}|::1)$/.test(bind.host ?? '');
}

/** The value has the setting's type: its reader saw to that. */
function assign(settings: Settings, name: SettingName, value: unknown): void {
  const [outer = '', inner] = name.split('.');
  if (inner === undefined) Object.assign(settings, { [outer]: value });
  else Object.assign(settings.restart, { [inner]: value });
}

/** Changes to the wanted working directory, from which all later paths are resolved, the application's first. */
export function enter(settings: Pick<Settings, 'cwd'>): void {
  if (settings.cwd === null) return;
  process.chdir(settings.cwd);
  settings.cwd = process.cwd();
}
