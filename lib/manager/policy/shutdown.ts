/** The end of the manager, which waits for all workers. */
import { hasFailed } from './boot-failures';
import type { Decision } from './decision';
import { end } from './end';
import type { ManagerSignal } from './events';
import { unloadAll } from './generations';
import { kill, stop } from './stop-and-kill';
import { giveUpSuccessor } from './succession';
import { seconds } from './words';

export function shutDown(decision: Decision, signal: ManagerSignal | null, status: number): void {
  const { workers, rules } = decision.state;
  if (signal !== null) {
    decision.log(
      'info',
      'shutdown_started',
      `${signal}: ending once all requests are answered, within ${seconds(rules.gracefulTimeout)}`,
    );
  }
  decision.set({ phase: 'stopping', status });
  giveUpSuccessor(decision);
  unloadAll(decision);
  decision.actions.push({ type: 'stop listening' });
  for (const worker of workers) {
    if (worker.phase === 'booting' || worker.phase === 'ready') stop(decision, worker);
  }
}

export function quit(decision: Decision): void {
  if (decision.state.phase === 'running') decision.actions.push({ type: 'stop listening' });
  decision.set({ phase: 'stopping' });
  giveUpSuccessor(decision);
  unloadAll(decision);
  killAll(decision, 'SIGQUIT: ending at once');
}

export function killAll(decision: Decision, message: string): void {
  decision.log('info', 'shutdown_forced', message);
  decision.set({ atOnce: true });
  for (const worker of decision.state.workers) kill(decision, worker);
  for (const { generation, phase, forks } of decision.state.templates) {
    if (phase !== 'loaded' || forks > 0) decision.actions.push({ type: 'unload', generation, gently: false });
  }
}

export function noticeEnd(decision: Decision): void {
  const { phase, workers, status, lastFailure, slots, templates } = decision.state;
  if (workers.length > 0 || slots.some(({ forking }) => forking)) return;
  if (phase === 'stopping' && templates.some((each) => each.phase !== 'loaded')) return;
  if (phase === 'stopping') {
    decision.log('info', 'shutdown_finished', 'All workers have ended');
    end(decision, status);
  } else if (hasFailed(decision.state)) {
    decision.log('error', 'boot_failed', `No worker became ready: ${lastFailure}`);
    end(decision, 1);
  }
}
