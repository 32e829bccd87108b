import type { Channel } from '../channel/channel';
import type { Post } from '../channel/messages';
import type { Endpoint } from '../listening/endpoints';
import { type Row, reopenCount } from '../scoreboard';
import type { PlainSettings } from '../settings';
import type { Peer, Peers } from './peers';

/** The application as it was loaded at one time. */
export interface Generation {
  number: number;
  settings: PlainSettings | null;
  /** The process that loads it, or has; before it the one that reads its configuration. */
  template: Peer | null;
  /** Its workers are forked from the template; else from the manager, and each loads the application. */
  isShared: boolean;
  /** Not shared: the template waits to be made a worker itself. */
  isIdle: boolean;
  /** Shared: the template sleeps, and reads at once what it is told. */
  isAsleep: boolean;
  /** How often log files had been reopened when its template was last told. */
  reopened: number;
  /** What its template has asked for, in order: its workers' sockets. */
  endpoints: Endpoint[];
  /** Workers that its template has been asked to fork, in order. */
  asked: ForkAsked[];
  /** Addresses that workers of it were not waited for to listen on, though those before them did: by name. */
  dropped: Set<string>;
  isRetired: boolean;
  /** A worker of it has been ready, and may have met clients since. */
  isProven: boolean;
}

export interface ForkAsked {
  post: Post;
  row: Row;
  channel: Channel;
}

export interface HandedGeneration
  extends Pick<
    Generation,
    'number' | 'settings' | 'isShared' | 'isIdle' | 'isAsleep' | 'reopened' | 'isRetired' | 'isProven'
  > {
  /** Its process. */
  template: number | null;
  /** Of all addresses, by their place. */
  endpoints: number[];
  dropped: string[];
}

/** For another program in this process. */
export function handGeneration(generation: Generation, all: readonly Endpoint[]): HandedGeneration {
  const { template, endpoints, dropped, asked: _, ...rest } = generation;
  return {
    ...rest,
    template: template?.pid ?? null,
    // Of a generation that has retired some may have been dropped.
    endpoints: endpoints.flatMap((endpoint) => (all.includes(endpoint) ? all.indexOf(endpoint) : [])),
    dropped: [...dropped],
  };
}

/** @throws Error: it refers to what has not been handed over */
export function takeGeneration(handed: HandedGeneration, peers: Peers, all: readonly Endpoint[]): Generation {
  const { template, endpoints, dropped, ...rest } = handed;
  return {
    ...rest,
    template: template === null ? null : known(peers.get(template)),
    endpoints: endpoints.map((place) => known(all[place])),
    dropped: new Set(dropped),
    asked: [],
  };
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a generation refers to what has not been handed over');
  return value;
}

/** Nothing of it is made before they are known. */
export function settingsOf({ settings, number }: Generation): PlainSettings {
  if (settings === null) throw new Error(`the settings of generation ${number} are not known`);
  return settings;
}

/** It has loaded nothing yet. */
export function newGeneration(number: number): Generation {
  return {
    number,
    settings: null,
    template: null,
    isShared: true,
    isIdle: false,
    isAsleep: false,
    reopened: reopenCount(),
    endpoints: [],
    asked: [],
    dropped: new Set(),
    isRetired: false,
    isProven: false,
  };
}
