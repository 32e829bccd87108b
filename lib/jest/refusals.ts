/** What cannot be done by forks of a template: then the files run in jest-runner. */
import inspector from 'node:inspector';
import { hasAddon } from '../base/binding';
import { optionPerProcess } from '../testing/per-process';
import type { GlobalConfig } from './jest';
import type { JestPackages } from './packages';

const KNOWN_VERSION = /^30\./;

/** Why not, in a few words; undefined if nothing speaks against it. */
export function refusal(globalConfig: GlobalConfig, jest: JestPackages): string | undefined {
  const words = (process.env['NODE_OPTIONS'] ?? '').split(/\s+/);
  const option = optionPerProcess([...process.execArgv, ...words]);
  if (process.platform !== 'linux') return 'fork() needs Linux';
  if (!hasAddon) return 'the addon of prefork cannot be loaded';
  if (!KNOWN_VERSION.test(jest.version)) return `it is made for Jest 30, and this is ${jest.version}`;
  if (option !== undefined) return `${option} is for processes that Node itself starts`;
  if (inspector.url() !== undefined) return 'a debugger is to see the process that was started for it';
  if (process.env['NODE_V8_COVERAGE']) return 'NODE_V8_COVERAGE is for processes that Node itself starts';
  if (globalConfig.detectOpenHandles) return '--detectOpenHandles looks at the process of Jest itself';
  if (globalConfig.workerThreads) return 'with workerThreads: true, files are to run in threads';
  return undefined;
}
