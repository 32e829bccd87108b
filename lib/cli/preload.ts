/** `node --import prefork/auto server.js`. */
import { isMainThread } from 'node:worker_threads';
import { version } from '../base/version';
import { beginTrial, failTrial, type Inheritance, passTrial, takeInheritance } from '../manager';
import { neverOpenInspectorBySignal } from '../manager/system/inspector-signal';
import { type ServiceManager, takeFromServiceManager } from '../manager/system/service-manager';
import { listenAlone, mustRunAlone, prepareAlone } from './alone';
import { beginWith } from './begin-with';
import { becomeManager, begun, type Child, firstIfPreloaded, startOverIfPreloaded } from './begun';
import { evaluate, evaluateHere, type Wanted } from './evaluate';
import { settled } from './load';
import { makeLog } from './log-lines';
import { readConfiguration } from './read-configuration';
import { complete, enter, merge } from './settings/complete';
import { findConfigFile, fromFile } from './settings/config-file';
import { Sources } from './settings/configuration';
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
  await beginNow(program, inheritance).catch(refuse);
}

async function beginNow(program: string, inheritance: Inheritance | null): Promise<void> {
  neverOpenInspectorBySignal();
  const serviceManager = takeFromServiceManager(process.env);
  const sources = environmentSources(serviceManager);
  await settled();
  neverOpenInspectorBySignal();
  if (inheritance?.role === 'trial') return tryOut(wantedOf(program), sources, inheritance);
  await goOn(becomeManager(sources, serviceManager, inheritance), program);
}

/** Of a program without a command line of ours. */
export function environmentSources(serviceManager: ServiceManager): Sources {
  return new Sources(new Map(), null, serviceManager);
}

function wantedOf(program: string): Wanted {
  return { imports: [], find: () => program };
}

function startOver(): void {
  try {
    startOverIfPreloaded('auto', merge([fromEnvironment(process.env)]).bind, isOwnName);
  } catch (error) {
    refuse(error);
  }
}

/** A child of the manager. */
async function goOn({ newcomer, sources }: Child, program: string): Promise<void> {
  process.env[MARK] = String(newcomer.manager);
  neverOpenInspectorBySignal();
  if (newcomer.role === 'configuration') return readConfiguration(newcomer, sources, []);
  await beginWith(newcomer, () => evaluate(wantedOf(program), sources, newcomer.settings)).catch(refuse);
}

/** For want of an addon. */
async function runAlone(program: string): Promise<void> {
  const file = await fromFile(findConfigFile(null));
  const sources = [fromEnvironment(process.env), file.given];
  const settings = complete(sources, file.hooks);
  enter(settings);
  const log = makeLog(settings.logFormat);
  prepareAlone(settings, new Set(sources.flatMap((source) => [...source.keys()])), log);
  listenAlone(settings, watchBeginning(program, settings, log));
}

async function tryOut(wanted: Wanted, sources: Sources, trial: Inheritance): Promise<never> {
  try {
    beginTrial(trial, version(), firstIfPreloaded('auto', isOwnName));
    await evaluateHere(wanted, sources);
    return passTrial(trial);
  } catch (error) {
    failTrial(trial, error);
    return refuse(error);
  }
}
