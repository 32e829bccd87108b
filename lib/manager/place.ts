/** What a process is told when it is born; and the signals that the manager obeys, which its children must not. */
import { constants } from 'node:os';
import { binding } from '../base/binding';
import type { Channel } from './channel/channel';
import type { Post } from './channel/messages';
import type { ManagerSignal } from './policy';
import { Row } from './scoreboard';
import type { PlainSettings, WorkerInfo } from './settings';

/** What every process below the manager is told. */
export interface Birth {
  /** The manager's pid. */
  manager: number;
  channel: Channel;
  /** Signals that came to it before it could listen for them. */
  early: NodeJS.Signals[];
  /** How often log files had been opened anew when its own were. */
  reopened: number;
}

/** A worker. */
export interface Place extends Birth {
  worker: WorkerInfo;
  row: Row;
  /** Of another one, which serves until this one listens wherever that does. */
  isReplacing: boolean;
}

/** A child of the manager's own fork, before it has loaded anything. */
export interface Newcomer extends Birth {
  role: 'configuration' | 'template' | 'worker' | 'attendant' | 'trial';
  /** Of its generation. In a process that is to find them out: what is known without it. */
  settings: PlainSettings;
  /** Of a worker, which loads the application by itself. */
  place: Place | null;
  /** Of the attendant: it reads what happens there. Else -1. */
  line: number;
  /** An earlier generation had something open that workers cannot share. */
  couldNotBeShared: boolean;
}

/** In the worker itself. */
export function placeOf(birth: Birth, { worker, row, isReplacing }: Post): Place {
  return { ...birth, worker: { ...worker, pid: binding.process_getpid() }, row: new Row(row), isReplacing };
}

export const SIGNALS: readonly ManagerSignal[] = [
  'SIGQUIT',
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGUSR1',
  'SIGUSR2',
];

/** Numbers, for the native wait: also of what says that a child has ended. */
export function supervisedSignals(): Int32Array {
  return Int32Array.from([...SIGNALS, 'SIGCHLD' as const].map((name) => constants.signals[name]));
}

/** The signals whose bits are set. */
export function signalsIn<S extends NodeJS.Signals>(bits: number, among: readonly S[]): S[] {
  return among.filter((name) => (bits & (1 << constants.signals[name])) !== 0);
}
