/**
 * The run of a file that has found modules evaluated: nobody hears of it before it has ended well. Meanwhile the process gets
 * the answers that it would get.
 */
import { asCall, asResponse, type Call } from './orders';
import { Results } from './results';

/** They change nothing in vitest's process. */
const ASKED = ['fetch', 'fetchWarmModules', 'resolve', 'resolveSnapshotPath', 'getCountOfFailedTests'];
/** Their answer is that they were heard. */
const TOLD = [
  'onQueued',
  'onCollected',
  'onTaskUpdate',
  'onTestModuleDependencies',
  'onUserConsoleLog',
  'onUnhandledError',
  'onCancel',
  'snapshotSaved',
];

/** What is done with a message of the process. */
export interface Ways {
  /** vitest hears it, and answers the process. */
  pass: (message: unknown) => void;
  answer: (message: unknown) => void;
  /** It has ended, well or not. */
  end: (isGood: boolean) => void;
}

export class HeldRun {
  readonly results = new Results();
  /** In order. */
  readonly held: unknown[] = [];
  /** It has ended in the middle, well so far: vitest has to do something for it. */
  isCut = false;
  readonly #ways: Ways;
  #isOver = false;

  constructor(ways: Ways) {
    this.#ways = ways;
  }

  hear(message: unknown): void {
    if (this.#isOver) return;
    const call = asCall(message);
    this.results.hear(message, call);
    if (call === undefined) this.#hearWord(message);
    else if (call.t === 's' || ASKED.includes(call.m ?? '')) this.#ways.pass(message);
    else if (TOLD.includes(call.m ?? '')) this.#hold(call);
    else this.#cut();
  }

  #cut(): void {
    this.isCut = !this.results.hasFailed;
    this.end(false);
  }

  #hold(call: Call): void {
    this.held.push(call);
    if (call.i !== undefined) this.#ways.answer({ t: 's', i: call.i, r: undefined });
  }

  #hearWord(message: unknown): void {
    this.held.push(message);
    if (asResponse(message)?.type === 'testfileFinished') this.end(!this.results.hasFailed);
  }

  /** Also if its process has ended. */
  end(isGood: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ways.end(isGood);
  }
}
