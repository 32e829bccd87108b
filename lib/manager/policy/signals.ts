/** What the operator asks for. */
import type { ManagerSignal } from './events';
import { reload } from './generations';
import { grow, shrink } from './grow-and-shrink';
import { killAll, quit, shutDown } from './shutdown';
import type { Turn } from './turn';

export function obey(turn: Turn, signal: ManagerSignal): void {
  const running = turn.state.phase === 'running';
  switch (signal) {
    case 'SIGTERM':
    case 'SIGINT':
      if (running) shutDown(turn, signal, 0);
      // Asked for again by somebody who sits at the terminal: now.
      else if (signal === 'SIGINT') killAll(turn, 'SIGINT while ending: ending at once');
      break;
    case 'SIGQUIT':
      quit(turn);
      break;
    case 'SIGUSR1':
      turn.actions.push({ type: 'reopen logs' });
      turn.log('info', 'logs_reopened', 'SIGUSR1: reopening log files');
      break;
    case 'SIGHUP':
      if (running) reload(turn, 'SIGHUP');
      break;
    case 'SIGTTIN':
      if (running && turn.state.everLoaded) grow(turn);
      break;
    case 'SIGTTOU':
      if (running && turn.state.everLoaded) shrink(turn);
      break;
  }
}
