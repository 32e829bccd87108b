/**
 * What NODE_OPTIONS, or Node's command line, has Node load before the program belongs to the application, and the manager runs
 * nothing of that. By the time this package is loaded it has happened, though. So a process that is to be a manager starts
 * over, with first.ts in front of all others: there the manager begins, and its children go on from there, with all that Node
 * loads as ever.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { binding } from '../base/binding';
import { onePerProcess } from '../base/one-per-process';
import { manage, type Newcomer, takeInheritance } from '../manager';
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

/** How the program goes on, by the copy of this package that has begun it: a loader may load another one in between. */
interface Continuations {
  runCommand(argv: readonly string[]): void;
  startAutomatically(): Promise<void>;
}

/** A child of the manager, before anything else has been loaded. */
export interface Begun extends Continuations {
  newcomer: Newcomer;
  serviceManager: ServiceManager;
}

const FIRST = require.resolve('./first');
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
export function beginBeforeOthers(continuations: Continuations): void {
  const options = withoutFirst(FIRST, process.env['NODE_OPTIONS'] ?? '');
  if (options === undefined) delete process.env['NODE_OPTIONS'];
  else process.env['NODE_OPTIONS'] = options;
  const inheritance = takeInheritance(process.env);
  neverOpenInspectorBySignal();
  const serviceManager = takeFromServiceManager(process.env);
  const newcomer = manage(makeLog, serviceManager, inheritance);
  kept.begun = { ...continuations, newcomer, serviceManager };
}

/** What Node has to load before all others, if it has loaded any before what calls this, which it may have been told to load, too. */
export function firstIfPreloaded(isOwn: (name: string) => boolean = NOT_OWN): string | null {
  return isAnyPreloadedBefore(isOwn) ? FIRST : null;
}

/**
 * Starts this process over, as the same program with the same pid, if Node has loaded any. What those have begun ends here, and
 * begins again in the manager's children.
 *
 * @param binds addresses that it was told by then: among them may be sockets that were handed over
 */
export function startOverIfPreloaded(binds: readonly Bind[], isOwn?: (name: string) => boolean): void {
  const { NODE_OPTIONS: options } = process.env as { NODE_OPTIONS?: string };
  const first = firstIfPreloaded(isOwn);
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
