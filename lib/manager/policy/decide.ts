/** Every event, and what is settled after each. */
import type { Action } from './actions';
import { noticeCalm } from './crashes';
import type { Event } from './events';
import { configured, enforceLoading, forkCanary, loaded, loadFirst, templateExited } from './generations';
import { beginChecks, examineAll, noticeSleep } from './health-checks';
import { noticeRolled, replaceOne } from './replacement';
import { noticeEnd } from './shutdown';
import { obey } from './signals';
import { announce, fillSlots } from './slots';
import type { State } from './state';
import { enforceDeadlines } from './stop-and-kill';
import { Turn } from './turn';
import { exited, forked, forkFailed, ready } from './worker-life';

/** The next state, and what is to be done, in that order. */
export function decide(state: State, event: Event, now: number): [State, Action[]] {
  if (state.phase === 'ended') return [state, []];
  const turn = new Turn(state, now);
  take(turn, event);
  settle(turn);
  return [turn.state, turn.actions];
}

function take(turn: Turn, event: Event): void {
  switch (event.type) {
    case 'start':
      beginChecks(turn);
      loadFirst(turn);
      break;
    case 'configured':
      configured(turn, event.generation, event.rules);
      break;
    case 'loaded':
      loaded(turn, event.generation, event.rules);
      break;
    case 'template exited':
      templateExited(turn, event.generation, event.exit);
      break;
    case 'forked':
      forked(turn, event.worker, event.chance);
      break;
    case 'fork failed':
      forkFailed(turn, event);
      break;
    case 'ready':
      ready(turn, event.pid);
      break;
    case 'exited':
      exited(turn, event.pid, event.exit, event.wasTold);
      break;
    case 'signal':
      obey(turn, event.signal);
      break;
    case 'time':
      noticeSleep(turn);
      enforceDeadlines(turn);
      enforceLoading(turn);
      examineAll(turn, event.readings);
      break;
  }
}

/** What has to be done whatever happened: fill the slots, replace what is outdated, end when all is over. */
function settle(turn: Turn): void {
  announce(turn);
  noticeCalm(turn);
  fillSlots(turn);
  forkCanary(turn);
  replaceOne(turn);
  noticeRolled(turn);
  noticeEnd(turn);
}
