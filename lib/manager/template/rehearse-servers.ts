/** Before anything is bound the template sends its application requests: workers begin with what V8 learned. */
import type { Server as HttpServer } from 'node:http';
import { isHttpServer, type Rehearsal, type RehearseOptions, rehearse } from '../../warmup/rehearse-requests';
import type { Call } from '../listening/call';
import type { Log } from '../settings';
import { takeBack, tellListening, watchForSilence } from './tell-listening';

/** @throws Error that says, for people, why it failed */
export async function rehearseServers(
  calls: readonly Call[],
  paths: readonly string[],
  timeout: number,
  log: Log,
): Promise<void> {
  const known = calls.filter(({ server }) => isHttpServer(server));
  if (known.length === 0) throw new Error('the application listens with a server that does not speak HTTP');
  for (const call of known) report(await rehearseOne(call, { paths, timeout }), paths, log);
}

async function rehearseOne(call: Call, options: RehearseOptions): Promise<Rehearsal> {
  const endWatch = watchForSilence(() => tellListening(call));
  try {
    return await rehearse(call.server as HttpServer, options);
  } finally {
    endWatch();
    takeBack(call);
  }
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
