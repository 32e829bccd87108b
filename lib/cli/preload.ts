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

/** Says to whatever this process starts that it is no server of its own. */
const MARK = 'PREFORK_AUTO';

/**
 * Prepares this process for the program that Node is about to run. Node hands `--import` down to worker threads and
 * to processes of `child_process.fork()`, and NODE_OPTIONS goes even further: those are left alone.
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
