/** `node --import prefork/auto server.js`. */
import { isMainThread } from 'node:worker_threads';
import { version } from '../base/version';
import {
  beginTrial,
  failTrial,
  type Inheritance,
  manage,
  passTrial,
  type Settings,
  takeInheritance,
} from '../manager';
import { neverOpenInspectorBySignal } from '../manager/system/inspector-signal';
import { heed, type ServiceManager, takeFromServiceManager } from '../manager/system/service-manager';
import { listenAlone, mustRunAlone, prepareAlone } from './alone';
import { beginWith } from './begin-with';
import { type Begun, begun, firstIfPreloaded, startOverIfPreloaded } from './begun';
import { settled } from './load';
import { makeLog } from './log-lines';
import { complete, enter } from './settings/complete';
import { fromFile } from './settings/config-file';
import { fromEnvironment } from './settings/environment';
import { refuse } from './settings/refuse';
import { watchBeginning } from './startup';

/** Tells the processes that this one starts to stay as they are. */
const MARK = 'PREFORK_AUTO';
/** By which Node has been told to load this. */
const OWN_NAME = /(^|\/)(prefork\/auto|dist\/auto\.mjs)$/;
const isOwnName = (name: string) => OWN_NAME.test(name);

/**
 * Prepares this process for the program that Node is about to run. Leaves worker threads and child processes alone, which
 * inherit `--import` through Node or NODE_OPTIONS.
 */
export async function startAutomatically(): Promise<void> {
  const [, program] = process.argv;
  if (!isMainThread || program === undefined) return;
  const child = begun();
  if (child !== null) return goOn(child, program);
  const inheritance = takeInheritance(process.env);
  if (inheritance === null && process.env[MARK] !== undefined) return;
  if (!mustRunAlone && inheritance === null) startOver();
  process.env[MARK] = String(process.pid);
  if (mustRunAlone) return runAlone(program).catch(refuse);
  neverOpenInspectorBySignal();
  const serviceManager = takeFromServiceManager(process.env);
  await settled();
  neverOpenInspectorBySignal();
  if (inheritance?.role === 'trial') return tryOut(inheritance, serviceManager);
  await goOn({ newcomer: manage(makeLog, serviceManager, inheritance), serviceManager }, program);
}

function startOver(): void {
  try {
    startOverIfPreloaded(complete([fromEnvironment(process.env)], {}).bind, isOwnName);
  } catch (error) {
    refuse(error);
  }
}

/** A child of the manager. */
async function goOn(
  { newcomer, serviceManager }: Pick<Begun, 'newcomer' | 'serviceManager'>,
  program: string,
): Promise<void> {
  process.env[MARK] = String(newcomer.manager);
  neverOpenInspectorBySignal();
  const settings = await findSettings(serviceManager).catch(refuse);
  await beginWith(newcomer, program, settings).catch(refuse);
}

/** For want of an addon. */
async function runAlone(program: string): Promise<void> {
  const file = await fromFile(null);
  const sources = [fromEnvironment(process.env), file.given];
  const settings = complete(sources, file.hooks);
  enter(settings);
  const log = makeLog(settings.logFormat);
  prepareAlone(settings, new Set(sources.flatMap((source) => [...source.keys()])), log);
  listenAlone(settings, watchBeginning(program, settings, log));
}

async function tryOut(inheritance: Inheritance, serviceManager: ServiceManager): Promise<never> {
  try {
    beginTrial(inheritance);
    await findSettings(serviceManager);
    return passTrial(inheritance, version(), firstIfPreloaded(isOwnName));
  } catch (error) {
    failTrial(inheritance, error);
    return refuse(error);
  }
}

async function findSettings(serviceManager: ServiceManager): Promise<Settings> {
  const file = await fromFile(null);
  const settings = heed(serviceManager, complete([fromEnvironment(process.env), file.given], file.hooks));
  await settled();
  enter(settings);
  return settings;
}
