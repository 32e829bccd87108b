/** From the start of a template to its first fork: what it waits for, and why it refuses. */
import type { ChildProcess } from 'node:child_process';
import { type ActiveThing, activeRequests, activeThings, formatActive } from '../../fork/active';
import { childProcesses } from '../../fork/child-processes';
import { requestsInFlight } from '../../fork/in-flight';
import type { UNSHARABLE } from '../channel/messages';
import { areStreamsWaiting } from './unwritten';

/**
 * Connections, also those to helper processes: workers cannot share them, because bytes that one reads the others never see.
 * A child process that nobody talks to may be everybody's.
 */
export function unsharable(): ActiveThing[] {
  const things = activeThings();
  const connections = things.filter(({ kind, detail }) => kind === 'socket' && !detail.startsWith('UDP'));
  return [...connections, ...helpersAmong(things)];
}

/** Such as esbuild's service, and what child_process.fork() has made. */
function helpersAmong(things: ActiveThing[]): ActiveThing[] {
  const helpers = childProcesses().filter(isTalkedTo);
  const isHelper = ({ detail }: ActiveThing) => helpers.some(({ pid }) => detail.endsWith(`(pid ${pid})`));
  return things.filter((thing) => thing.kind === 'child process' && isHelper(thing));
}

function isTalkedTo({ connected, stdio }: ChildProcess): boolean {
  return connected || stdio.some((stream) => stream != null && !stream.destroyed);
}

export function listUnsharable(things: ActiveThing[]): string {
  return things.map((thing) => `\n  - ${formatActive(thing)}`).join('');
}

/** What all of them are. */
export function nameUnsharable(things: ActiveThing[]): (typeof UNSHARABLE)[number] {
  const helpers = things.filter(({ kind }) => kind === 'child process').length;
  if (helpers === 0) return 'connections';
  return helpers === things.length ? 'helper processes' : 'connections and helper processes';
}

export function explainUnsharable(things: ActiveThing[]): string {
  const list = listUnsharable(things);
  return (
    `The application opened ${nameUnsharable(things)} before its server listens, and all workers would share them:` +
    `${list}\nOpen them in each worker: in the hook afterFork, or once the server listens; or close them in the hook ` +
    'beforeFork. PREFORK_TRACE=1 in the environment shows where each was opened.'
  );
}

export function isBusy(): boolean {
  return requestsInFlight() > 0 || areStreamsWaiting();
}

export function explainBusy(): string {
  const list = activeRequests()
    .map((thing) => `\n  - ${formatActive(thing)}`)
    .join('');
  return (
    'The application cannot be forked: it always has requests in flight, which every worker would repeat:' +
    `${list}\nWait for them before the server listens.`
  );
}
