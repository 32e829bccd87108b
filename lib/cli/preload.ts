/** `node --import prefork/auto server.js`. */
import { isMainThread } from 'node:worker_threads';
import { findPrivileges, intercept } from '../manager';
import type { Settings } from '../manager/settings';
import { settled } from './load';
import { makeLog } from './log-lines';
import { refuse } from './refuse';
import { complete, enter } from './settings/complete';
import { fromFile } from './settings/config-file';
import { fromEnvironment } from './settings/environment';
import { watchBeginning } from './startup';

/** Tells the processes that this one starts to stay as they are. */
const MARK = 'PREFORK_AUTO';

/**
 * Prepares this process for the program that Node is about to run. Leaves worker threads and child processes alone, which
 * inherit `--import` through Node or NODE_OPTIONS.
 */
export async function startAutomatically(): Promise<void> {
  const [, program] = process.argv;
  if (!isMainThread || program === undefined || process.env[MARK] !== undefined) return;
  process.env[MARK] = String(process.pid);
  const settings = await findSettings().catch(refuse);
  const beginning = watchBeginning(program, settings, makeLog(settings.logFormat));
  intercept(settings, beginning.log, beginning.listens);
  beginning.refuseCluster();
}

async function findSettings(): Promise<Settings> {
  const file = await fromFile(null);
  const settings = complete([fromEnvironment(process.env), file.given], file.hooks);
  await settled();
  enter(settings);
  findPrivileges(settings.user, settings.group);
  return settings;
}
