/** What the manager knows between two events: the rules, the slots that should be filled, the workers that there are. */
import type { Settings, WorkerInfo } from '../settings';

/** Of the settings, those that decide anything. */
export interface Rules
  extends Pick<
    Settings,
    | 'gracefulTimeout'
    | 'bootTimeout'
    | 'hangTimeout'
    | 'restart'
    | 'maxRequests'
    | 'maxRequestsJitter'
    | 'maxMemory'
    | 'balanced'
  > {
  workers: number;
  /** Servers are rehearsed while the application is loaded, which may take as long again. */
  rehearses: boolean;
}

/** The process that has loaded one generation of the application, and forks workers; before it one that configures it. */
export interface Template {
  generation: number;
  phase: 'configuring' | 'loading' | 'loaded' | 'ending';
  /** When its phase ends by force; null: never. */
  deadline: number | null;
  /** Workers that it has been asked to fork, and has not answered for. */
  forks: number;
}

/** The generation that is to replace the one that serves; its rules are known when it has loaded. */
interface Candidate {
  generation: number;
  rules: Rules | null;
}

/**
 * `booting` until it is ready; `stopping` when it has been told to finish; `doomed` when it is being killed, which is
 * still to come for one that reports its stack first.
 */
type Phase = 'booting' | 'ready' | 'stopping' | 'doomed';

/** Another program is to take this process over. */
interface Succession {
  phase: 'trying' | 'ready' | 'taking over';
  /** When it is given up. */
  deadline: number;
  /** A generation was being loaded, and was given up for it. */
  hasGivenUp: boolean;
}

export interface Worker extends WorkerInfo {
  phase: Phase;
  startedAt: number;
  readyAt: number | null;
  /** When its phase ends by force; null: never. */
  deadline: number | null;
  /** How many requests it may serve; null: any number. */
  maxRequests: number | null;
  /** Another one is to take its place. */
  outdated: boolean;
  /** It is ready but for these addresses, where the one that it replaces listens; null: it has not said that it is. */
  lacks: readonly string[] | null;
}

/** An id that there should be a worker for. */
export interface Slot {
  id: number;
  restarts: number;
  /** A worker has been asked for and not been made yet. */
  forking: boolean;
  /** No new worker before that time. */
  notBefore: number;
  /** It is to be removed, by a worker that serves first what waits in the queue of its own. */
  leaving: boolean;
}

export interface State {
  readonly rules: Rules;
  readonly phase: 'running' | 'stopping' | 'ended';
  /** While stopping: nobody is waited for any more. */
  readonly atOnce: boolean;
  /** The exit status of the manager. */
  readonly status: number;
  /** The one that serves. */
  readonly generation: number;
  /** The one that was begun last. */
  readonly newest: number;
  readonly candidate: Candidate | null;
  readonly succession: Succession | null;
  readonly templates: readonly Template[];
  /** A generation has loaded once. */
  readonly everLoaded: boolean;
  /** The last one that was not put into service, and why. */
  readonly refused: { readonly generation: number; readonly why: string } | null;
  /** There is no template: when the next try begins; null: none is needed. */
  readonly reloadAt: number | null;
  readonly slots: readonly Slot[];
  readonly workers: readonly Worker[];
  /** How often the operator has asked for one worker more or fewer. */
  readonly resizes: number;
  /** Some worker has been ready once. */
  readonly everReady: boolean;
  /** There has been a ready worker for every slot at once, and that has been logged. */
  readonly announced: boolean;
  /** A rolling replacement is under way. */
  readonly rolling: boolean;
  /** When workers crashed, as far back as it matters. */
  readonly crashes: readonly number[];
  /** How many crashes in a row were answered with a delay. */
  readonly level: number;
  /** All crashes that were answered with another start. */
  readonly restarts: number;
  /** The crash loop that is going on, and has been reported. */
  readonly looping: boolean;
  /** While looping: the next slot in the queue starts after that. */
  readonly queuedUntil: number;
  /** How many workers ended before they were ready, and why the last one did. */
  readonly bootFailures: number;
  readonly lastFailure: string;
  /** When health was looked at last, and since when beats can be expected. */
  readonly checkedAt: number;
  readonly awakeSince: number;
}

export function initialState(rules: Rules): State {
  return {
    rules,
    phase: 'running',
    atOnce: false,
    status: 0,
    generation: 0,
    newest: 0,
    candidate: null,
    succession: null,
    templates: [],
    everLoaded: false,
    refused: null,
    reloadAt: null,
    slots: [],
    workers: [],
    resizes: 0,
    everReady: false,
    announced: false,
    rolling: false,
    crashes: [],
    level: 0,
    restarts: 0,
    looping: false,
    queuedUntil: 0,
    bootFailures: 0,
    lastFailure: '',
    checkedAt: 0,
    awakeSince: 0,
  };
}

export function newSlot(id: number): Slot {
  return { id, restarts: 0, forking: false, notBefore: 0, leaving: false };
}
