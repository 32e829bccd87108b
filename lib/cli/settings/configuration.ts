/** The settings of one command: from its line, the environment, and a file that a process of its own reads. */
import { isIP } from 'node:net';
import { preforkError } from '../../base/errors';
import { withoutName } from '../../manager/listening/bind';
import { explainBind } from '../../manager/listening/explain';
import {
  type Bind,
  type Configuration,
  type Found,
  type Hooks,
  type PlainSettings,
  plain,
  type Settings,
} from '../../manager/settings';
import { heed, type ServiceManager } from '../../manager/system/service-manager';
import { complete, type Given, merge } from './complete';
import { type FromFile, findConfigFile, readWritten } from './config-file';
import { fromEnvironment } from './environment';
import type { SettingName } from './options';

type Sockets = Pick<ServiceManager, 'sockets'>;

/** Who names the user decides about all of these: a file that is read as that user must not win rights by what it says. */
const RIGHTS: readonly SettingName[] = ['user', 'group', 'loadAsRoot'];

export class Sources implements Configuration {
  readonly #sources: readonly Given[];
  readonly #config: string | null | false;
  readonly #serviceManager: Sockets;
  readonly known: PlainSettings;

  /**
   * @param given by the command line
   * @param config as `findConfigFile` takes it
   * @throws what `readOption` throws
   */
  constructor(given: Given, config: string | null | false, serviceManager: Sockets) {
    this.#sources = [given, fromEnvironment(process.env)];
    this.#config = config;
    this.#serviceManager = serviceManager;
    this.known = plain(merge(this.#sources));
  }

  atOnce(): PlainSettings | undefined {
    try {
      if (this.file() !== null) return undefined;
      const settings = this.settings(new Map(), {});
      return settings.bind.some(hasName) ? undefined : plain(settings);
    } catch {
      return undefined;
    }
  }

  complete({ written, hooks, addresses }: Found): PlainSettings {
    const settings = this.settings(readWritten(written, 'the configuration'), {});
    return plain({ ...settings, bind: settings.bind.map((bind) => withAddress(bind, addresses)) }, hooks);
  }

  /**
   * The configuration file, as it is found now; null: there is none.
   *
   * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`
   */
  file(): string | null {
    return findConfigFile(this.#config);
  }

  /** @throws Error: what they say contradicts, or names a socket that was not handed over */
  settings(given: Given, hooks: Hooks): Settings {
    const isUserKnown = this.known.user !== null || this.known.group !== null;
    const heeded = isUserKnown ? without(given, RIGHTS) : given;
    return heed(this.#serviceManager, complete([...this.#sources, heeded], hooks));
  }

  /**
   * What the manager is told of a file.
   *
   * @throws Error: it does not fit together with the other sources
   * @throws NotListening: a host at which to listen is not known
   */
  found({ written, given, hooks }: FromFile): Found {
    const named = this.settings(given, {}).bind.filter(hasName);
    const addresses = Object.fromEntries(named.map((bind) => [bind.host, addressOf(bind)]));
    return { written, hooks: Object.keys(hooks), addresses };
  }
}

/** For people. */
export class NotListening extends Error {}

function without(given: Given, names: readonly SettingName[]): Given {
  return new Map([...given].filter(([name]) => !names.includes(name)));
}

type Named = Bind & { kind: 'tcp'; host: string };

function hasName(bind: Bind): bind is Named {
  return bind.kind === 'tcp' && bind.host !== null && isIP(bind.host) === 0;
}

function addressOf(bind: Named): string {
  try {
    return (withoutName(bind) as Named).host;
  } catch (error) {
    throw new NotListening(explainBind(bind, error as NodeJS.ErrnoException));
  }
}

function withAddress(bind: Bind, addresses: Record<string, string>): Bind {
  if (!hasName(bind)) return bind;
  const host = Object.hasOwn(addresses, bind.host) ? addresses[bind.host] : undefined;
  if (host !== undefined) return { ...bind, host };
  throw preforkError('ERR_PREFORK_INVALID_ARG_VALUE', `The host ${bind.host} has not been looked up`);
}
