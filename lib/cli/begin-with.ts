import { begin, type Log, type Newcomer, type Settings } from '../manager';
import { identify } from './identify';
import { makeLog } from './log-lines';
import { type Beginning, watchBeginning } from './startup';

/** In a child of the manager: when it resolves, the application can be loaded. In the attendant it never does. */
export async function beginWith(
  newcomer: Newcomer,
  path: string,
  settings: Settings,
  log: Log = makeLog(settings.logFormat),
): Promise<Beginning> {
  const { name, application } = identify(path, settings.name);
  let beginning: Beginning | undefined;
  await begin(newcomer, { ...settings, name }, log, () => {
    beginning = watchBeginning(path, settings, log);
    return { application, log: beginning.log, listens: beginning.listens, over: beginning.end };
  });
  (beginning as unknown as Beginning).refuseCluster();
  return beginning as unknown as Beginning;
}
