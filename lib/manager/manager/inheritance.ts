/** What a program finds that was started to take a manager's process over, or to show that it can. */
import { closeSync } from 'node:fs';
import { binding } from '../../base/binding';
import { preforkError } from '../../base/errors';
import { Channel } from '../channel/channel';
import { hasShape, isCount, oneOf } from '../channel/shapes';
import { supervisedSignals } from '../place';
import { readHandover } from './handover';

/** As native/posix/signals_at_start.h has it. */
const VARIABLE = 'PREFORK_SUCCESSION';

/** Descriptors, each of which is inherited. */
export interface Inheritance {
  role: 'trial' | 'successor';
  /** The handover. */
  document: number;
  /** To the manager; a successor has none: it is the manager. */
  channel: number | null;
  /** The addon in LD_PRELOAD. */
  addon: number;
}

const SHAPE = {
  role: oneOf('trial', 'successor'),
  document: isCount,
  channel: (value: unknown) => value === null || isCount(value),
  addon: isCount,
};

/** Variables with which such a program is started. */
export function variablesFor(inheritance: Inheritance, preload: string | undefined): Record<string, string> {
  const own = preloaded(inheritance);
  return {
    [VARIABLE]: JSON.stringify(inheritance),
    LD_PRELOAD: preload === undefined ? own : `${own}:${preload}`,
  };
}

/**
 * Takes it out of the environment, which is as without it from then on: no process that is started from here is meant. null
 * in a program that was started as usual.
 *
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: somebody else has set the variable
 */
export function takeInheritance(environment: NodeJS.ProcessEnv): Inheritance | null {
  const text = environment[VARIABLE];
  if (text === undefined) return null;
  delete environment[VARIABLE];
  const inheritance = parse(text);
  const own = preloaded(inheritance);
  const preload = (environment['LD_PRELOAD'] ?? '').slice(own.length + 1);
  if (preload === '') delete environment['LD_PRELOAD'];
  else environment['LD_PRELOAD'] = preload;
  closeSync(inheritance.addon);
  for (const fd of [inheritance.document, inheritance.channel ?? inheritance.document]) {
    binding.process_close_on_exec(fd);
  }
  return inheritance;
}

function parse(text: string): Inheritance {
  try {
    const value = JSON.parse(text) as unknown;
    if (hasShape(value, SHAPE)) return value as Inheritance;
  } catch {
    // no JSON
  }
  const message = `${VARIABLE} is set by prefork itself, and means nothing to other programs: remove it`;
  throw preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message);
}

/** By number: a path may have a space or a colon, which would end it, or may be another file's by then. */
function preloaded({ addon }: Inheritance): string {
  return `/proc/self/fd/${addon}`;
}

// --- The trial ---

/**
 * Begins the trial. What it is has been said before the configuration runs, which may have fewer rights.
 *
 * @param first what Node has to load before all others when this program takes over, if it loads any
 * @throws Error `ERR_PREFORK_UNSUPPORTED`: the handover is of another version, or signals would be lost while Node starts
 */
export function beginTrial({ document, channel }: Inheritance, version: string, first: string | null): void {
  readHandover(document);
  if (binding.signals_are_blocked(supervisedSignals())) {
    const what = `Node.js ${process.version} with prefork ${version}`;
    if (channel !== null) new Channel(channel).send({ type: 'trial', what, first });
    return;
  }
  const message =
    `${process.execPath} has unblocked the signals that come while it starts, and would end by them. It does so if it ` +
    'has file capabilities, or is linked statically: restart the service instead';
  throw preforkError('ERR_PREFORK_UNSUPPORTED', message);
}

/** All has been done that a new manager and its first template would do before the application is loaded. */
export function passTrial({ channel }: Inheritance): never {
  if (channel !== null) new Channel(channel).send({ type: 'can start' });
  return binding.process_exit(0);
}

export function failTrial({ channel }: Inheritance, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  if (channel !== null) new Channel(channel).send({ type: 'cannot start', why: why.slice(0, 4096) });
}
