/**
 * SIGUSR2: the manager makes way for another program in its process, a newer Node or prefork. First that shows, in a child,
 * that it can start; then everything that is only half done is let finish or given up; then it takes over.
 */
import type { Decision } from './decision';
import { giveUpCandidate, reload } from './generations';
import { seconds } from './words';

export function trySuccessor(decision: Decision): void {
  const { everLoaded, succession, rules } = decision.state;
  // The one that is on its way starts with what is there by then.
  if (succession !== null) return;
  decision.log('info', 'succession_started', 'SIGUSR2: trying whether a new process manager can start');
  if (!everLoaded) {
    refuseSuccessor(decision, 'the application has not been loaded yet');
    return;
  }
  const deadline = decision.now + rules.bootTimeout;
  decision.set({ succession: { phase: 'trying', deadline, hasGivenUp: false } });
  decision.actions.push({ type: 'try successor' });
}

/** What is being loaded, the successor loads anew. */
export function successorCanStart(decision: Decision): void {
  if (decision.state.succession?.phase !== 'trying') return;
  const hasGivenUp = giveUpCandidate(decision);
  const deadline = decision.now + decision.state.rules.bootTimeout;
  decision.set({ succession: { phase: 'ready', deadline, hasGivenUp } });
}

export function successorCannotStart(decision: Decision, why: string): void {
  if (decision.state.succession !== null) refuseSuccessor(decision, why);
}

function refuseSuccessor(decision: Decision, why: string): void {
  const { succession } = decision.state;
  decision.set({ succession: null });
  decision.log(
    'error',
    'succession_refused',
    `The new process manager does not take over: ${why}. This one goes on`,
  );
  if (succession?.hasGivenUp) reload(decision, 'A reload had been given up for it');
}

export function enforceTrial(decision: Decision): void {
  const { succession, rules } = decision.state;
  if (succession === null || succession.deadline > decision.now) return;
  decision.actions.push({ type: 'give up successor' });
  const what =
    succession.phase === 'trying' ? 'its trial was not over' : 'this one could not let go of its workers';
  refuseSuccessor(decision, `${what} within ${seconds(rules.bootTimeout)}`);
}

/** The manager ends. */
export function giveUpSuccessor(decision: Decision): void {
  if (decision.state.succession === null) return;
  decision.set({ succession: null });
  decision.actions.push({ type: 'give up successor' });
}

/** Once nobody owes an answer to this program. */
export function makeWay(decision: Decision): void {
  const { succession, slots, templates } = decision.state;
  if (succession?.phase !== 'ready') return;
  if (slots.some(({ forking }) => forking)) return;
  if (templates.some(({ phase, forks }) => phase !== 'loaded' || forks > 0)) return;
  decision.set({ succession: { ...succession, phase: 'taking over' } });
  decision.actions.push({ type: 'hand over' });
}

/** This is the successor: the files as they are now come into service as after SIGHUP. */
export function takeOver(decision: Decision): void {
  reload(decision, 'A new process manager has taken over');
}
