/** Settings from the environment: `PREFORK_…`, and `WEB_CONCURRENCY` as Heroku and others set it. */
import type { Bind } from '../../manager/settings';
import { type Given, readOption } from './complete';
import { OPTIONS } from './options';
import { integer } from './values';

const port = integer(0, 65535);

/** An empty variable counts as unset: compose files and unit files leave one out that way. */
export function fromEnvironment(environment: NodeJS.ProcessEnv): Given {
  const given: Given = new Map();
  for (const option of OPTIONS) {
    const variable = option.variables.find((name) => (environment[name] ?? '') !== '');
    if (variable !== undefined)
      given.set(option.name, readOption(option.read, variable, environment[variable]));
  }
  return given;
}

/** PORT, as platforms set it: where to serve an exported app by default. Unset or empty: undefined. */
export function portFromEnvironment({ PORT = '' }: { PORT?: string }): Bind | undefined {
  if (PORT === '') return undefined;
  return { kind: 'tcp', host: null, port: readOption(port, 'PORT', PORT) };
}
