import { begin, type Newcomer, type Settings } from '../manager';
import { makeLog } from './log-lines';
import { type Beginning, watchBeginning } from './startup';

/** In a child of the manager: all is ready for the application to be loaded. Never comes to its end in the attendant. */
export async function beginWith(newcomer: Newcomer, path: string, settings: Settings): Promise<Beginning> {
  const log = makeLog(settings.logFormat);
  let beginning: Beginning | undefined;
  await begin(newcomer, settings, log, () => {
    beginning = watchBeginning(path, settings, log);
    return { log: beginning.log, listens: beginning.listens, over: beginning.end };
  });
  (beginning as unknown as Beginning).refuseCluster();
  return beginning as unknown as Beginning;
}
