/** The command `prefork`: what becomes of its command line. */
import { version } from '../base/version';
import { beginTrial, failTrial, type Inheritance, passTrial, takeInheritance } from '../manager';
import { neverOpenInspectorBySignal } from '../manager/system/inspector-signal';
import { dropPrivileges, findPrivileges } from '../manager/system/privileges';
import { type ServiceManager, takeFromServiceManager } from '../manager/system/service-manager';
import { cannotCheck, listenAlone, mustRunAlone, prepareAlone } from './alone';
import { beginWith } from './begin-with';
import { becomeManager, begun, type Child, firstIfPreloaded, startOverIfPreloaded } from './begun';
import { reportAtFirstListen } from './check';
import { evaluate, evaluateHere, importAll, type Wanted } from './evaluate';
import { findApplication, runApplication, settled } from './load';
import { makeLog } from './log-lines';
import { readConfiguration } from './read-configuration';
import { Done, parseCommandLine, type Start } from './settings/command-line';
import { complete, enter, merge } from './settings/complete';
import { findConfigFile, fromFile } from './settings/config-file';
import { Sources } from './settings/configuration';
import { fromEnvironment } from './settings/environment';
import { refuse } from './settings/refuse';
import { watchBeginning } from './startup';

async function main(argv: readonly string[]): Promise<void> {
  inheritance = takeInheritance(process.env);
  if (inheritance?.role === 'trial') beginTrial(inheritance, version(), firstIfPreloaded('command'));
  const invocation = parseCommandLine(argv);
  // A manager has none of these commands in its memory.
  if ('target' in invocation) {
    const { carryOut } = require('./outside/commands') as typeof import('./outside/commands');
    throw new Done(await carryOut(invocation));
  }
  if (invocation.command === 'init' || invocation.command === 'completion') {
    return (require('./writes/write') as typeof import('./writes/write')).write(invocation);
  }
  if (invocation.command === 'test') {
    return (require('./test-files') as typeof import('./test-files')).runTestFiles(invocation);
  }
  if (mustRunAlone) return runAlone(invocation);
  const { application, args, imports } = invocation;
  const wanted: Wanted = { imports, find: () => findApplication(application) };
  const child = begun() ?? (await beginNow(invocation, wanted));
  if (child === undefined) return;
  const { newcomer, sources } = child;
  neverOpenInspectorBySignal();
  if (newcomer.role === 'configuration') return readConfiguration(newcomer, sources, imports);
  const evaluated = () => evaluate(wanted, sources, newcomer.settings);
  const { path, beginning } = await beginWith(newcomer, evaluated);
  runApplication(path, args, newcomer.settings.bind[0], beginning);
}

/** Nothing has been loaded that does not belong to the manager. undefined: there is to be none, and all is done. */
async function beginNow(invocation: Start, wanted: Wanted): Promise<Child | undefined> {
  const isManager = invocation.command === 'run' && inheritance?.role !== 'trial';
  if (isManager && inheritance === null) {
    startOverIfPreloaded('command', merge([invocation.given, fromEnvironment(process.env)]).bind);
  }
  neverOpenInspectorBySignal();
  const serviceManager = takeFromServiceManager(process.env);
  const sources = new Sources(invocation.given, invocation.config, serviceManager);
  // Node may still read files, and the manager forks.
  await settled();
  if (isManager) return becomeManager(sources, serviceManager, inheritance);
  if (inheritance !== null) await tryOut(wanted, sources, inheritance);
  else await dryRun(invocation, wanted, sources);
  return undefined;
}

/** Of the command line of this process, which starts something. */
export function commandSources(serviceManager: ServiceManager): Sources {
  const { given, config } = parseCommandLine(process.argv.slice(2)) as Start;
  return new Sources(given, config, serviceManager);
}

async function tryOut(wanted: Wanted, sources: Sources, trial: Inheritance): Promise<never> {
  await evaluateHere(wanted, sources);
  return passTrial(trial);
}

async function dryRun({ verbose, args }: Start, wanted: Wanted, sources: Sources): Promise<void> {
  const { path, settings } = await evaluateHere(wanted, sources);
  const { known } = sources;
  const isStillToChange = known.user === null && known.group === null && !settings.loadAsRoot;
  if (isStillToChange) dropPrivileges(findPrivileges(settings.user, settings.group));
  const beginning = watchBeginning(path, settings, makeLog(settings.logFormat));
  reportAtFirstListen(path, settings, beginning, verbose);
  beginning.refuseCluster();
  runApplication(path, args, settings.bind[0], beginning);
}

/** For want of an addon. */
async function runAlone({ command, imports, config, given, application, args }: Start): Promise<void> {
  if (command === 'check') throw cannotCheck();
  await importAll(imports);
  const file = await fromFile(findConfigFile(config));
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

/** This program was started to take a manager's process over, or to show that it can. */
let inheritance: Inheritance | null = null;

export function runCommand(argv: readonly string[]): void {
  main(argv).catch((error: unknown) => {
    if (inheritance?.role === 'trial') failTrial(inheritance, error);
    if (!(error instanceof Done)) refuse(error);
    process.exitCode = error.status;
  });
}
