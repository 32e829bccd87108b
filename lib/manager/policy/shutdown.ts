/** The end of the manager, which waits for all workers. */
import { hasFailed } from './boot-failures';
import { end } from './end';
import type { ManagerSignal } from './events';
import { unloadAll } from './generations';
import { kill, stop } from './stop-and-kill';
import type { Turn } from './turn';
import { seconds } from './words';

export function shutDown(turn: Turn, signal: ManagerSignal | null, status: number): void {
  const { workers, rules } = turn.state;
  if (signal !== null) {
    turn.log(
      'info',
      'shutdown_started',
      `${signal}: ending once all requests are answered, within ${seconds(rules.gracefulTimeout)}`,
    );
  }
  turn.set({ phase: 'stopping', status });
  unloadAll(turn);
  turn.actions.push({ type: 'stop listening' });
  for (const worker of workers) {
    if (worker.phase === 'booting' || worker.phase === 'ready') stop(turn, worker);
  }
}

export function quit(turn: Turn): void {
  if (turn.state.phase === 'running') turn.actions.push({ type: 'stop listening' });
  turn.set({ phase: 'stopping' });
  unloadAll(turn);
  killAll(turn, 'SIGQUIT: ending at once');
}

export function killAll(turn: Turn, message: string): void {
  turn.log('info', 'shutdown_forced', message);
  turn.set({ atOnce: true });
  for (const worker of turn.state.workers) kill(turn, worker);
  for (const { generation, phase } of turn.state.templates) {
    if (phase !== 'loaded') turn.actions.push({ type: 'unload', generation, gently: false });
  }
}

export function noticeEnd(turn: Turn): void {
  const { phase, workers, status, lastFailure, slots, templates } = turn.state;
  if (workers.length > 0 || slots.some(({ forking }) => forking)) return;
  if (phase === 'stopping' && templates.some((each) => each.phase !== 'loaded')) return;
  if (phase === 'stopping') {
    turn.log('info', 'shutdown_finished', 'All workers have ended');
    end(turn, status);
  } else if (hasFailed(turn.state)) {
    turn.log('error', 'boot_failed', `No worker became ready: ${lastFailure}`);
    end(turn, 1);
  }
}
