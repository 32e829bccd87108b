/** What the operator asks for. */

import type { Decision } from './decision';
import type { ManagerSignal } from './events';
import { reload } from './generations';
import { grow, shrink } from './grow-and-shrink';
import { killAll, quit, shutDown } from './shutdown';
import { trySuccessor } from './succession';

export function obey(decision: Decision, signal: ManagerSignal): void {
  const running = decision.state.phase === 'running';
  switch (signal) {
    case 'SIGTERM':
    case 'SIGINT':
      if (running) shutDown(decision, signal, 0);
      // Asked for again by somebody who sits at the terminal: now.
      else if (signal === 'SIGINT') killAll(decision, 'SIGINT while ending: ending at once');
      break;
    case 'SIGQUIT':
      quit(decision);
      break;
    case 'SIGUSR1':
      decision.actions.push({ type: 'reopen logs' });
      decision.log('info', 'logs_reopened', 'SIGUSR1: reopening log files');
      break;
    case 'SIGHUP':
      if (running) reload(decision, 'SIGHUP');
      break;
    case 'SIGUSR2':
      if (running) trySuccessor(decision);
      break;
    case 'SIGTTIN':
      if (running && decision.state.everLoaded) grow(decision);
      break;
    case 'SIGTTOU':
      if (running && decision.state.everLoaded) shrink(decision);
      break;
  }
}
