/** Every event, and what is settled after each. */
import type { Action } from './actions';
import { noticeCalm } from './crashes';
import { Decision } from './decision';
import type { Event } from './events';
import { configured, enforceLoading, forkCanary, loaded, loadFirst, templateExited } from './generations';
import { beginChecks, examineAll, noticeSleep } from './health-checks';
import { noticeRolled, replaceOne } from './replacement';
import { noticeEnd } from './shutdown';
import { obey } from './signals';
import { announce, fillSlots } from './slots';
import type { State } from './state';
import { enforceDeadlines } from './stop-and-kill';
import { enforceTrial, makeWay, successorCannotStart, successorCanStart, takeOver } from './succession';
import { endWaiting, exited, forked, forkFailed, ready } from './worker-life';

/** The next state, and what is to be done, in that order. */
export function decide(state: State, event: Event, now: number): [State, Action[]] {
  if (state.phase === 'ended') return [state, []];
  const decision = new Decision(state, now);
  take(decision, event);
  settle(decision);
  return [decision.state, decision.actions];
}

function take(decision: Decision, event: Event): void {
  switch (event.type) {
    case 'start':
      beginChecks(decision);
      loadFirst(decision);
      break;
    case 'configured':
      configured(decision, event.generation, event.rules);
      break;
    case 'loaded':
      loaded(decision, event.generation, event.rules);
      break;
    case 'template exited':
      templateExited(decision, event.generation, event.exit, event.why);
      break;
    case 'forked':
      forked(decision, event.worker, event.chance);
      break;
    case 'fork failed':
      forkFailed(decision, event);
      break;
    case 'ready':
      ready(decision, event.pid, event.lacks);
      break;
    case 'exited':
      exited(decision, event.pid, event.exit, event.wasTold);
      break;
    case 'successor can start':
      successorCanStart(decision);
      break;
    case 'successor cannot start':
      successorCannotStart(decision, event.why);
      break;
    case 'taken over':
      beginChecks(decision);
      takeOver(decision);
      break;
    case 'signal':
      obey(decision, event.signal);
      break;
    case 'time':
      noticeSleep(decision);
      endWaiting(decision);
      enforceDeadlines(decision);
      enforceLoading(decision);
      enforceTrial(decision);
      examineAll(decision, event.readings);
      break;
  }
}

/** What has to be done whatever happened: fill the slots, replace what is outdated, make way, end when all is over. */
function settle(decision: Decision): void {
  announce(decision);
  noticeCalm(decision);
  fillSlots(decision);
  forkCanary(decision);
  replaceOne(decision);
  noticeRolled(decision);
  makeWay(decision);
  noticeEnd(decision);
}
