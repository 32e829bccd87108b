/** Restarts a worker that crashes: at once, or in a crash loop after growing delays. */
import type { WorkerExit } from '../settings';
import { failedToBoot, hasFailed } from './boot-failures';
import type { Decision } from './decision';
import { shutDown } from './shutdown';
import type { Rules, State, Worker } from './state';
import { describeExit, plural, seconds } from './words';

export function crashed(decision: Decision, worker: Worker, exit: WorkerExit): void {
  const before = worker.readyAt === null ? ' before it was ready' : '';
  const end = worker.phase === 'doomed' ? `had to be killed${before}` : `${describeExit(exit)}${before}`;
  const what = `worker ${worker.id} (pid ${worker.pid}) ${end}`;
  if (worker.readyAt === null) failedToBoot(decision, what);
  const isLeaving = decision.slot(worker.id) === undefined;
  if (!isLeaving) delayAfterCrash(decision, worker.id, what);
  // In a crash loop that is known; that one had to be killed has been logged.
  if (!isGoingOn(decision.state) || decision.state.looping || worker.phase === 'doomed') return;
  decision.logWorker('error', 'worker_crashed', worker, isLeaving ? end : `${end}: restarting it`);
}

/** If it has failed for good, the reason is logged at the end. */
function isGoingOn(state: State): boolean {
  return state.phase === 'running' && !hasFailed(state);
}

function reportLoop(decision: Decision, latest: string, delay: number): void {
  const { rules, crashes } = decision.state;
  decision.log(
    'error',
    'crash_loop_entered',
    `CRASH LOOP: ${plural(crashes.length, 'crash').replace(/hs$/, 'hes')} in the last ` +
      `${seconds(decision.now - (crashes[0] ?? decision.now))}; the latest: ${latest}. Workers now restart one at ` +
      `a time, the next in ${seconds(delay)}, then at growing intervals of up to ${seconds(rules.restart.maxDelay)}. ` +
      'Further crashes are not logged until this is over',
  );
}

/** Notes the crash, and when its slot may get the next worker; reports a crash loop when it begins. */
export function delayAfterCrash(decision: Decision, id: number, what: string): void {
  const wasLooping = decision.state.looping;
  const { rules, queuedUntil, restarts } = decision.state;
  const { burst, minDelay, maxDelay, limit } = rules.restart;
  const crashes = [...decision.state.crashes.filter((at) => at > decision.now - memory(rules)), decision.now];
  const looping =
    decision.state.looping || crashes.filter((at) => at > decision.now - rules.restart.window).length > burst;
  const level = looping ? decision.state.level + 1 : 0;
  const delay = looping ? Math.min(minDelay * 2 ** Math.min(level - 1, 40), maxDelay) : 0;
  // In a crash loop one worker at a time: what happens to it tells for all.
  const notBefore = looping ? Math.max(decision.now, queuedUntil) + delay : decision.now;
  decision.set({ crashes, looping, level, restarts: restarts + 1, queuedUntil: looping ? notBefore : 0 });
  const slot = decision.slot(id);
  if (slot !== undefined) decision.change(slot, { restarts: slot.restarts + 1, notBefore });
  if (limit !== null && restarts + 1 > limit && decision.state.phase === 'running') {
    decision.log(
      'error',
      'restart_limit_reached',
      `Workers have crashed more than ${plural(limit, 'time')}: giving up`,
    );
    shutDown(decision, null, 1);
  }
  if (looping && !wasLooping && isGoingOn(decision.state)) reportLoop(decision, what, delay);
}

/** The crash loop ends after long without a crash; its delays end once a worker has lived through the longest. */
export function noticeCalm(decision: Decision): void {
  const { looping, crashes, phase } = decision.state;
  if (!looping || phase !== 'running') return;
  if (calmAt(decision.state) <= decision.now) {
    decision.set({ looping: false, level: 0, crashes: [], queuedUntil: 0 });
    decision.log(
      'info',
      'crash_loop_left',
      `No worker has crashed for ${seconds(decision.now - (crashes.at(-1) ?? 0))}: the crash loop is over`,
    );
  }
  const proven = provenAt(decision.state);
  if (proven === undefined || proven > decision.now) return;
  decision.set({
    queuedUntil: proven,
    slots: decision.state.slots.map((slot) => ({ ...slot, notBefore: Math.min(slot.notBefore, proven) })),
  });
}

/** Never while slots wait for their turn: each might crash again. */
export function calmAt({ rules, crashes, queuedUntil }: State): number {
  return Math.max((crashes.at(-1) ?? 0) + memory(rules), queuedUntil);
}

/** In a crash loop: when a worker will have lived long enough for the others to stop waiting. */
export function provenAt({ looping, workers, slots, crashes, rules }: State): number | undefined {
  if (!looping) return undefined;
  const lastCrash = crashes.at(-1) ?? 0;
  const lived = workers
    .flatMap(({ phase, readyAt }) => (phase === 'ready' && readyAt !== null ? readyAt : []))
    .filter((readyAt) => readyAt >= lastCrash);
  const at = Math.min(...lived) + rules.restart.maxDelay;
  return slots.some(({ notBefore }) => notBefore > at) ? at : undefined;
}

/** Crashes count long enough to recognise a crash loop with the longest delay. */
function memory({ restart: { window, maxDelay, burst } }: Rules): number {
  return Math.max(window, maxDelay * (burst + 2));
}
