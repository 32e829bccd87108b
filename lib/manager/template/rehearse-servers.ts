/** Before anything is bound the template sends its application requests: workers begin with what V8 learned. */
import type { Server } from 'node:net';
import { isHttpServer, type Rehearsal, rehearse } from '../../warmup/rehearse-requests';
import type { Log } from '../settings';

/** @throws Error that says, for people, why it failed */
export async function rehearseServers(
  servers: readonly Server[],
  paths: readonly string[],
  timeout: number,
  log: Log,
): Promise<void> {
  const known = servers.filter(isHttpServer);
  if (known.length === 0) throw new Error('the application listens with a server that does not speak HTTP');
  for (const server of known) report(await rehearse(server, { paths, timeout }), paths, log);
}

function report({ statuses, milliseconds }: Rehearsal, paths: readonly string[], log: Log): void {
  const counts = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
  const isServed = Object.keys(statuses).every((status) => Number(status) < 400);
  const advice = isServed ? '' : ': give paths that the application serves';
  log({
    level: isServed ? 'info' : 'warning',
    event: 'rehearsed',
    message: `Rehearsed ${paths.join(', ')} in ${Math.round(milliseconds)} ms (${counts.join(', ')})${advice}`,
    pid: process.pid,
  });
}
