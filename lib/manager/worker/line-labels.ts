/** Has each line that a worker writes to standard output or error say which one wrote it. */
import { isatty } from 'node:tty';
import { binding } from '../../base/binding';
import type { Log, Settings, WorkerInfo } from '../settings';

/** Nothing is gathered for it: what the worker has written is out when it ends, however that is. */
export function labelLines(how: Settings['logWorker'], { id, pid }: WorkerInfo, log: Log): void {
  if (how === null) return;
  const terminals = Int32Array.of(terminalOf(1, 'stdout'), terminalOf(2, 'stderr'));
  const field = how === 'field' ? `"worker":${id},` : '';
  if (binding.output_label_lines(`worker ${id} | `, field, terminals) === 0) return;
  const message = `What worker ${id} writes does not say so: --log-worker has no effect in this Node`;
  log({ level: 'warning', event: 'lines_unlabelled', message, worker: id, pid });
}

/** libuv opens a terminal anew for the stream (uv_tty_init). -1: it is none, and the stream writes to the descriptor itself. */
function terminalOf(fd: number, name: 'stdout' | 'stderr'): number {
  if (!isatty(fd)) return -1;
  const { _handle: handle } = process[name] as { _handle?: { fd?: number } };
  return handle?.fd ?? -1;
}
