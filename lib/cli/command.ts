/** The command `prefork`: what becomes of its command line. */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { version } from '../base/version';
import {
  beginTrial,
  failTrial,
  type Inheritance,
  manage,
  type Newcomer,
  passTrial,
  type Settings,
  takeInheritance,
} from '../manager';
import { neverOpenInspectorBySignal } from '../manager/system/inspector-signal';
import { dropPrivileges, findPrivileges } from '../manager/system/privileges';
import { heed, takeFromServiceManager } from '../manager/system/service-manager';
import { cannotCheck, listenAlone, mustRunAlone, prepareAlone } from './alone';
import { beginWith } from './begin-with';
import { type Begun, begun, firstIfPreloaded, startOverIfPreloaded } from './begun';
import { reportAtFirstListen } from './check';
import { findApplication, runApplication, settled } from './load';
import { makeLog } from './log-lines';
import { carryOut } from './outside/commands';
import { Done, parseCommandLine, type Start } from './settings/command-line';
import { complete, enter } from './settings/complete';
import { fromFile } from './settings/config-file';
import { fromEnvironment } from './settings/environment';
import { refuse } from './settings/refuse';
import { type Beginning, watchBeginning } from './startup';

async function main(argv: readonly string[]): Promise<void> {
  inheritance = takeInheritance(process.env);
  if (inheritance?.role === 'trial') beginTrial(inheritance);
  const invocation = parseCommandLine(argv);
  if ('target' in invocation) throw new Done(await carryOut(invocation));
  if (mustRunAlone) return runAlone(invocation);
  const isManager = invocation.command === 'run' && inheritance?.role !== 'trial';
  // Returns in children of the manager only, each of which loads all that follows by itself.
  const { newcomer, serviceManager } = begun() ?? (await beginNow(isManager, invocation));
  neverOpenInspectorBySignal();
  for (const name of invocation.imports) await importFirst(name);
  const file = await fromFile(invocation.config);
  const settings = heed(
    serviceManager,
    complete([invocation.given, fromEnvironment(process.env), file.given], file.hooks),
  );
  await settled();
  enter(settings);
  const path = findApplication(invocation.application);
  if (inheritance?.role === 'trial') passTrial(inheritance, version(), firstIfPreloaded());
  const beginning = await prepare(newcomer, path, settings, invocation.verbose);
  runApplication(path, invocation.args, settings.bind[0], beginning);
}

async function beginNow(
  isManager: boolean,
  { given }: Start,
): Promise<Pick<Begun, 'serviceManager'> & Partial<Begun>> {
  if (isManager && inheritance === null) {
    startOverIfPreloaded(complete([given, fromEnvironment(process.env)], {}).bind);
  }
  neverOpenInspectorBySignal();
  const serviceManager = takeFromServiceManager(process.env);
  // Node may still read files, and the manager forks.
  await settled();
  return isManager
    ? { newcomer: manage(makeLog, serviceManager, inheritance), serviceManager }
    : { serviceManager };
}

/** For want of an addon. */
async function runAlone({ command, imports, config, given, application, args }: Start): Promise<void> {
  if (command === 'check') throw cannotCheck();
  for (const name of imports) await importFirst(name);
  const file = await fromFile(config);
  const sources = [given, fromEnvironment(process.env), file.given];
  const settings = complete(sources, file.hooks);
  enter(settings);
  const path = findApplication(application);
  const log = makeLog(settings.logFormat);
  prepareAlone(settings, new Set(sources.flatMap((source) => [...source.keys()])), log);
  const beginning = watchBeginning(path, settings, log);
  listenAlone(settings, beginning);
  beginning.refuseCluster();
  runApplication(path, args, settings.bind[0], beginning);
}

async function prepare(
  newcomer: Newcomer | undefined,
  path: string,
  settings: Settings,
  verbose: boolean,
): Promise<Beginning> {
  if (newcomer !== undefined) return beginWith(newcomer, path, settings);
  const privileges = findPrivileges(settings.user, settings.group);
  // As the template does: the application has no more rights here than in service.
  if (!settings.loadAsRoot) dropPrivileges(privileges);
  const beginning = watchBeginning(path, settings, makeLog(settings.logFormat));
  reportAtFirstListen(path, settings, beginning, verbose);
  beginning.refuseCluster();
  return beginning;
}

/** As `node --import`: resolves packages from the working directory. */
async function importFirst(name: string): Promise<void> {
  const isPath = /^\.{0,2}\//.test(name);
  const path = isPath ? resolve(name) : createRequire(resolve('prefork')).resolve(name);
  await import(pathToFileURL(path).href);
}

/** This program was started to take a manager's process over, or to show that it can. */
let inheritance: Inheritance | null = null;

export function runCommand(argv: readonly string[]): void {
  main(argv).catch((error: unknown) => {
    if (inheritance?.role === 'trial') failTrial(inheritance, error);
    if (!(error instanceof Done)) refuse(error);
    process.exitCode = error.status;
  });
}
