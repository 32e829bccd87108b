/** The status of the service over HTTP, for probes and Prometheus: read from memory, so that it is there while workers hang. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import { clearTimeout, nextTurn, setTimeout } from '../../base/timers';
import type { Channel } from '../channel/channel';
import type { Shown } from '../shown/form';
import { readShown } from '../shown/shown-file';
import { Metrics } from './metrics';
import { isServing, readyWorkers } from './probes';

/** The manager sends it right after the fork. In milliseconds. */
const PATIENCE = 10_000;
const LINGER = 1000;
/** Nobody has a reason to open more. */
const MOST_CONNECTIONS = 100;

const PLAIN = 'text/plain; charset=utf-8';
/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

/** Serves from now on, and answers how it ends: what has been asked is answered. */
export function serveStatus(channel: Channel): () => Promise<void> {
  const server = begin(channel);
  return async () => {
    if (server !== undefined) await end(server);
  };
}

/** Undefined: the manager could not bind the address, and has said so. */
function begin(channel: Channel): Server | undefined {
  if (!channel.wait(PATIENCE)) return undefined;
  const received = channel.receive(true);
  const [shown, socket] = received.is === 'message' ? received.passed : [];
  if (shown === undefined || socket === undefined) return undefined;
  const metrics = new Metrics();
  const server = createServer((request, response) => {
    // Its next request would meet an attendant that may be about to end.
    response.setHeader('connection', 'close');
    void look(shown).then((now) => answer(request, response, now, metrics));
  });
  server.maxConnections = MOST_CONNECTIONS;
  return server.listen({ fd: socket });
}

/**
 * Somebody may have connected without asking anything, and is not waited for long. That of node:http would cut whoever has
 * not asked yet (Node 26), in the instant between connecting and asking, too.
 */
async function end(server: Server): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), LINGER);
  await new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  clearTimeout(timer);
}

/** Until the manager is not just changing it. */
async function look(shown: number): Promise<Shown> {
  for (;;) {
    const now = readShown(shown);
    if (now !== undefined) return now;
    await nextTurn();
  }
}

function answer(request: IncomingMessage, response: ServerResponse, now: Shown, metrics: Metrics): void {
  const { method, url = '' } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    send(response, 405, 'This address is for reading: use GET\n');
    return;
  }
  const [path] = url.split('?');
  if (path === '/healthz') send(response, 200, 'alive\n');
  else if (path === '/readyz') send(response, isServing(now) ? 200 : 503, explainReadiness(now));
  else if (path === '/metrics') send(response, 200, metrics.text(now), PROMETHEUS);
  else send(response, 404, 'There are /healthz, /readyz and /metrics\n');
}

function explainReadiness(now: Shown): string {
  const why = now.phase === 'running' ? '' : ', and the service is ending';
  return `${readyWorkers(now).length} of ${now.wanted} workers are ready${why}\n`;
}

function send(response: ServerResponse, status: number, text: string, type = PLAIN): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
}
