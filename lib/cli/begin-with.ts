import { begin, type Hooks, type Log, type Newcomer } from '../manager';
import { identify } from './identify';
import { makeLog } from './log-lines';
import { type Beginning, watchBeginning } from './startup';

/** What is the user's own, once it has been evaluated. */
export interface Evaluated {
  /** The application's. */
  path: string;
  hooks: Hooks;
}

/**
 * In a child of the manager: when it resolves, the application can be loaded. In the attendant it never does.
 *
 * @param evaluate is called when the rights have been given up
 */
export async function beginWith(
  newcomer: Newcomer,
  evaluate: () => Promise<Evaluated>,
  log: Log = makeLog(newcomer.settings.logFormat),
): Promise<{ path: string; beginning: Beginning }> {
  let begun: { path: string; beginning: Beginning } | undefined;
  await begin(newcomer, log, async () => {
    const { path, hooks } = await evaluate();
    const watch = () => {
      const beginning = watchBeginning(path, { ...newcomer.settings, hooks }, log);
      begun = { path, beginning };
      return { log: beginning.log, listens: beginning.listens, over: beginning.end };
    };
    return { hooks, identity: identify(path, newcomer.settings.name), watch };
  });
  const { path, beginning } = begun as unknown as NonNullable<typeof begun>;
  beginning.refuseCluster();
  return { path, beginning };
}
