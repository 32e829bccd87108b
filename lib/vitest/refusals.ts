/** What cannot be done by forks of a template: then a project runs in vitest's own pool. */
import type { PoolOptions } from 'vitest/node' with { 'resolution-mode': 'import' };
import { optionPerProcess } from '../testing/per-process';

const KNOWN_VERSIONS = /^[45]\./;

/** Why not, in a few words; undefined if nothing speaks against it. */
export function refusal({ project, execArgv, env }: PoolOptions): string | undefined {
  const { config, vitest } = project;
  const option = optionPerProcess(execArgv);
  if (process.platform !== 'linux') return 'fork() needs Linux';
  if (!KNOWN_VERSIONS.test(vitest.version))
    return `it is made for vitest 4 and 5, and this is ${vitest.version}`;
  if (config.isolate === false) return 'with isolate: false, files are to share a process';
  if (config.inspector?.enabled) return 'a debugger is to see the process that was started for it';
  if (option !== undefined) return `${option} is for processes that Node itself starts`;
  if (env['NODE_V8_COVERAGE']) return 'NODE_V8_COVERAGE is for processes that Node itself starts';
  if (config.experimental.viteModuleRunner === false) return 'experimental.viteModuleRunner is off';
  if (config.experimental.openTelemetry?.enabled) return 'experimental.openTelemetry is on';
  return undefined;
}
