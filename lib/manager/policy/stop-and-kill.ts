/** The two ways to end a worker: tell it to finish, and kill it once its time is up. */

import type { Decision } from './decision';
import type { Worker } from './state';
import { seconds } from './words';

export function stop(decision: Decision, worker: Worker): void {
  decision.actions.push({ type: 'kill', pid: worker.pid, signal: 'SIGTERM' });
  decision.update(worker, {
    phase: 'stopping',
    deadline: decision.now + decision.state.rules.gracefulTimeout,
  });
}

export function enforceDeadlines(decision: Decision): void {
  for (const worker of decision.state.workers) enforceDeadline(decision, worker);
}

function enforceDeadline(decision: Decision, worker: Worker): void {
  if (worker.deadline === null || worker.deadline > decision.now) return;
  const { rules } = decision.state;
  if (worker.phase === 'booting') {
    decision.logWorker(
      'error',
      'worker_boot_timed_out',
      worker,
      `was not ready within ${seconds(rules.bootTimeout)}: killed`,
    );
  } else if (worker.phase === 'stopping') {
    decision.logWorker(
      'warning',
      'worker_stop_timed_out',
      worker,
      `did not finish within ${seconds(rules.gracefulTimeout)}: killed`,
    );
  }
  kill(decision, worker);
}

export function kill(decision: Decision, worker: Worker): void {
  decision.actions.push({ type: 'kill', pid: worker.pid, signal: 'SIGKILL' });
  // A worker that is to be replaced ends for good: even then that is no crash.
  const phase = worker.phase === 'stopping' ? 'stopping' : 'doomed';
  decision.update(worker, { phase, deadline: null });
}
