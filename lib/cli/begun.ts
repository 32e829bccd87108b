/**
 * What NODE_OPTIONS, or Node's command line, has Node load before the program belongs to the application, and the manager runs
 * nothing of that. By the time this package is loaded it has happened, though. So a process that is to be a manager starts
 * over, with first.ts in front of all others: there the manager begins, and its children go on from there, with all that Node
 * loads as ever.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { binding } from '../base/binding';
import { onePerProcess } from '../base/one-per-process';
import { giveUpRights, type Inheritance, manage, type Newcomer, takeInheritance } from '../manager';
import type { Bind } from '../manager/settings';
import { neverOpenInspectorBySignal } from '../manager/system/inspector-signal';
import {
  isAnyPreloadedBefore,
  isRequiredFirst,
  requireFirst,
  withoutFirst,
} from '../manager/system/preloads';
import { type ServiceManager, takeFromServiceManager } from '../manager/system/service-manager';
import { makeLog } from './log-lines';
import { couldNotRead } from './read-configuration';
import { trustConfigFile } from './settings/config-file';
import type { Sources } from './settings/configuration';
import { refuse } from './settings/refuse';

/** How the program goes on, by the copy of this package that has begun it: a loader may load another one in between. */
interface Continuations {
  runCommand(argv: readonly string[]): void;
  startAutomatically(): Promise<void>;
}

/** A child of the manager, with no more rights than it is to have, before anything of the user's has been loaded. */
export interface Child {
  newcomer: Newcomer;
  sources: Sources;
}

export type Begun = Child & Continuations;

/** How Node is started: for the command, or for the program that it loads itself. */
export type Form = 'command' | 'auto';

const FIRST: Record<Form, string> = {
  command: require.resolve('./first'),
  auto: require.resolve('./first-auto'),
};
/** Nobody has told Node to load this package. */
const NOT_OWN = () => false;

const STANDARD_STREAMS = 3;
/** What Node opens first. */
const EVENT_LOOP = 'anon_inode:[eventpoll]';

/** null: this process has not begun there. */
const kept = onePerProcess('begun', (): { begun: Begun | null } => ({ begun: null }));

export function begun(): Begun | null {
  return kept.begun;
}

/** Becomes the manager. Returns in its children, for which NODE_OPTIONS are as they were given. */
export function beginBeforeOthers(
  form: Form,
  sourcesWith: (serviceManager: ServiceManager) => Sources,
  continuations: Continuations,
): void {
  const options = withoutFirst(FIRST[form], process.env['NODE_OPTIONS'] ?? '');
  if (options === undefined) delete process.env['NODE_OPTIONS'];
  else process.env['NODE_OPTIONS'] = options;
  const inheritance = takeInheritance(process.env);
  neverOpenInspectorBySignal();
  const serviceManager = takeFromServiceManager(process.env);
  const child = becomeManager(sourcesWith(serviceManager), serviceManager, inheritance);
  kept.begun = { ...continuations, ...child };
}

/** Returns in children of the manager only, each of which loads all that follows by itself. */
export function becomeManager(
  sources: Sources,
  serviceManager: ServiceManager,
  inheritance: Inheritance | null,
): Child {
  const newcomer = manage(makeLog, sources, serviceManager, inheritance);
  neverOpenInspectorBySignal();
  try {
    const file = newcomer.role === 'configuration' ? sources.file() : null;
    // As long as this process sees it as root does.
    if (file !== null) trustConfigFile(file);
    giveUpRights(newcomer, makeLog(newcomer.settings.logFormat));
  } catch (error) {
    if (newcomer.role === 'configuration') couldNotRead(newcomer, error);
    refuse(error);
  }
  return { newcomer, sources };
}

/** What Node has to load before all others, if it has loaded any before what calls this, which it may have been told to load, too. */
export function firstIfPreloaded(form: Form, isOwn: (name: string) => boolean = NOT_OWN): string | null {
  return isAnyPreloadedBefore(isOwn) ? FIRST[form] : null;
}

/**
 * Starts this process over, as the same program with the same pid, if Node has loaded any. What those have begun ends here, and
 * begins again in the manager's children.
 *
 * @param binds addresses that it was told by then: among them may be sockets that were handed over
 */
export function startOverIfPreloaded(
  form: Form,
  binds: readonly Bind[],
  isOwn?: (name: string) => boolean,
): void {
  const { NODE_OPTIONS: options } = process.env as { NODE_OPTIONS?: string };
  const first = firstIfPreloaded(form, isOwn);
  if (first === null || isRequiredFirst(first, options)) return;
  const environment = { ...process.env, NODE_OPTIONS: requireFirst(first, options) };
  // Comes back only if that cannot be had: then all goes on as it has begun.
  binding.process_hand_over(
    process.execPath,
    [process.argv0, ...process.execArgv, ...process.argv.slice(1)],
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`)),
    Int32Array.of(),
    Int32Array.from(inheritedDescriptors(binds)),
  );
}

/**
 * What was open when Node started: it has lower numbers than all that Node has opened itself, unless there were gaps. Then those
 * are known that are to be listened on.
 */
function inheritedDescriptors(binds: readonly Bind[]): Set<number> {
  const open = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd >= STANDARD_STREAMS)
    .sort((one, other) => one - other);
  const own = open.findIndex((fd) => targetOf(fd) === EVENT_LOOP);
  const named = binds.flatMap((bind) => (bind.kind === 'fd' ? bind.fd : []));
  return new Set([...open.slice(0, Math.max(own, 0)), ...named.filter((fd) => open.includes(fd))]);
}

function targetOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // the one with which the directory was read
  }
}
