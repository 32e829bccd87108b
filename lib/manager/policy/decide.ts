/** Every event, and what is settled after each. */
import type { Action } from './actions';
import { noticeCalm } from './crashes';
import type { Event } from './events';
import { beginChecks, examineAll, noticeSleep } from './health-checks';
import { noticeRolled, replaceOne } from './replacement';
import { noticeEnd } from './shutdown';
import { obey } from './signals';
import { announce, fillSlots } from './slots';
import type { State } from './state';
import { enforceDeadlines } from './stop-and-kill';
import { Turn } from './turn';
import { exited, forked, forkFailed, leftNote, ready } from './worker-life';

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
      break;
    case 'forked':
      forked(turn, event.worker, event.chance);
      break;
    case 'fork failed':
      forkFailed(turn, event.id, event.reason, event.killed);
      break;
    case 'ready':
      ready(turn, event.pid);
      break;
    case 'exited':
      exited(turn, event.pid, event.exit, event.wasTold);
      break;
    case 'left note':
      leftNote(turn, event.pid);
      break;
    case 'signal':
      obey(turn, event.signal);
      break;
    case 'time':
      noticeSleep(turn);
      enforceDeadlines(turn);
      examineAll(turn, event.readings);
      break;
  }
}

/** What has to be done whatever happened: fill the slots, replace what is outdated, end when all is over. */
function settle(turn: Turn): void {
  announce(turn);
  noticeCalm(turn);
  fillSlots(turn);
  replaceOne(turn);
  noticeRolled(turn);
  noticeEnd(turn);
}
