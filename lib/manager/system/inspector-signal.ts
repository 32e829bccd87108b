/**
 * SIGUSR1 opens Node's inspector, on a port on which every user of the machine may run JavaScript in this process. Here it
 * means to open log files anew, and is sent to whole groups of processes, at any time.
 */
import { constants } from 'node:os';
import { binding } from '../../base/binding';
import { check } from '../../base/errors';

/**
 * From now on SIGUSR1 opens none, in this process and its forks; listeners work as ever. One that it has opened before is
 * closed. To be called first, and again in a later turn of the loop, before the application can have opened one itself: Node
 * opens it some time after the signal.
 */
export function neverOpenInspectorBySignal(): void {
  check(binding.process_disarm_signal(constants.signals.SIGUSR1), 'sigaction');
  closeUnasked();
}

function closeUnasked(): void {
  if (!process.features.inspector || isAskedFor()) return;
  const inspector = require('node:inspector') as typeof import('node:inspector');
  if (inspector.url() !== undefined) inspector.close();
}

/** By a person: on the command line, or by an editor that has opened it to attach itself. */
function isAskedFor(): boolean {
  const { NODE_OPTIONS = '', VSCODE_INSPECTOR_OPTIONS } = process.env as Record<string, string | undefined>;
  const isOption = [...process.execArgv, NODE_OPTIONS].some((each) => each.includes('--inspect'));
  return isOption || VSCODE_INSPECTOR_OPTIONS !== undefined;
}
