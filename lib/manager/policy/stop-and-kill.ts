/** The two ways to end a worker: tell it to finish, and kill it once its time is up. */
import type { Worker } from './state';
import type { Turn } from './turn';
import { seconds } from './words';

export function stop(turn: Turn, worker: Worker): void {
  turn.actions.push({ type: 'kill', pid: worker.pid, signal: 'SIGTERM' });
  turn.update(worker, { phase: 'stopping', deadline: turn.now + turn.state.rules.gracefulTimeout });
}

export function enforceDeadlines(turn: Turn): void {
  for (const worker of turn.state.workers) enforceDeadline(turn, worker);
}

function enforceDeadline(turn: Turn, worker: Worker): void {
  if (worker.deadline === null || worker.deadline > turn.now) return;
  const { rules } = turn.state;
  if (worker.phase === 'booting') {
    turn.logWorker(
      'error',
      'worker_boot_timed_out',
      worker,
      `was not ready within ${seconds(rules.bootTimeout)}: killed`,
    );
  } else if (worker.phase === 'stopping') {
    turn.logWorker(
      'warning',
      'worker_stop_timed_out',
      worker,
      `did not finish within ${seconds(rules.gracefulTimeout)}: killed`,
    );
  }
  kill(turn, worker);
}

export function kill(turn: Turn, worker: Worker): void {
  turn.actions.push({ type: 'kill', pid: worker.pid, signal: 'SIGKILL' });
  // A worker that is to be replaced ends for good: even then that is no crash.
  const phase = worker.phase === 'stopping' ? 'stopping' : 'doomed';
  turn.update(worker, { phase, deadline: null });
}
