/**
 * Jest's environment `node`, made before the fork. Jest makes one by `new`, with the settings of the project and what is only
 * known with the file: its path, its comments, its console. This one looks at the settings alone.
 */
import type { GlobalConfig, ProjectConfig } from '../jest';
import type { FileRequest } from '../messages';
import type { JestPackages } from '../packages';

interface Settings {
  projectConfig: ProjectConfig;
  globalConfig: GlobalConfig;
}

interface Environment {
  global: { process: NodeJS.Process };
}

type EnvironmentClass = new (
  settings: Settings,
  file: { console: object; docblockPragmas: object; testPath: string },
) => Environment;

/** What an environment is made of, but for what is only known with the file. */
const digest = (config: ProjectConfig): string => JSON.stringify(config);

export class PreparedEnvironment {
  readonly #environment: Environment;
  readonly #digest: string;
  #workerId: string | undefined;

  /** From now on Jest gets it when it makes its first environment after `handOver()`. */
  constructor(jest: JestPackages, { config, globalConfig, path }: FileRequest) {
    const module = jest.load(config.testEnvironment) as { default: EnvironmentClass };
    this.#digest = digest(config);
    const Original = module.default;
    const settings = { projectConfig: config, globalConfig };
    const file = { console, docblockPragmas: {}, testPath: path };
    this.#environment = new Original(settings, file);
    // A class that extends it makes its own. Beneath may be what stands there for another project.
    const stand: EnvironmentClass = new Proxy(Original, {
      construct: (target, [settings, file], made): Environment =>
        made === stand
          ? (this.#take(settings.projectConfig) ?? new target(settings, file))
          : Reflect.construct(target, [settings, file], made),
    });
    module.default = stand;
  }

  handOver(workerId: string): void {
    this.#workerId = workerId;
  }

  /** undefined: it is of another project, or made with other options by the file's comments. */
  #take(config: ProjectConfig): Environment | undefined {
    const workerId = this.#workerId;
    if (workerId === undefined || digest(config) !== this.#digest) return undefined;
    this.#workerId = undefined;
    const { process: copy } = this.#environment.global;
    copy.env['JEST_WORKER_ID'] = workerId;
    const { pid, ppid, send } = process;
    for (const [name, value] of Object.entries({ pid, ppid, send, connected: true })) {
      Object.defineProperty(copy, name, { value, configurable: true, enumerable: true, writable: true });
    }
    return this.#environment;
  }
}
