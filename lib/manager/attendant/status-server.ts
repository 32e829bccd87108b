/** The status of the service over HTTP, for people, probes and Prometheus: read from memory, so that it is there while workers hang. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, Server as NetServer } from 'node:net';
import { dirname } from 'node:path';
import { clearTimeout, setInterval, setTimeout } from '../../base/timers';
import type { Families } from '../app-metrics/families';
import { gatherMetrics } from '../app-metrics/gather';
import { aggregate, findPromClient, type PromClient } from '../app-metrics/prom-client';
import type { Channel } from '../channel/channel';
import type { Settings } from '../settings';
import type { Shown } from '../shown/form';
import { Metrics } from './metrics';
import { PAGE_HEADERS, readPage } from './page-files';
import { isBlocked, isServing, readyWorkers } from './probes';
import { historyUntil } from './samples';
import { Service, workersOf } from './survey';
import { eventOf, Viewers } from './viewers';

/** The manager sends it right after the fork. In milliseconds. */
const PATIENCE = 10_000;
const LINGER = 1000;
/** Nobody has a reason to open more. */
const MOST_CONNECTIONS = 100;
/** Milliseconds between two samples, and within which a change is seen. */
const SECOND = 1000;
const GLANCE = 200;

const PLAIN = 'text/plain; charset=utf-8';

/** Of the settings, and what is known of the application. */
export interface Served extends Pick<Settings, 'status' | 'statusPublic'> {
  /** The application's file; null: not known. */
  application: string | null;
}

/** Serves from now on, and answers how it ends: what has been asked is answered. */
export function serveStatus(channel: Channel, served: Served): () => Promise<void> {
  const descriptors = receive(channel);
  if (descriptors === undefined) return async () => {};
  const [shown, socket] = descriptors;
  const status = new StatusServer(new Service(shown), served);
  status.listen(socket);
  return () => status.end();
}

/** Undefined: the manager could not bind the address, and has said so. */
function receive(channel: Channel): [shown: number, socket: number] | undefined {
  if (!channel.wait(PATIENCE)) return undefined;
  const received = channel.receive(true);
  const [shown, socket] = received.is === 'message' ? received.passed : [];
  return shown === undefined || socket === undefined ? undefined : [shown, socket];
}

class StatusServer {
  readonly #service: Service;
  readonly #served: Served;
  readonly #page = readPage();
  readonly #metrics = new Metrics();
  readonly #viewers = new Viewers();
  readonly #server: Server;
  #promClient: PromClient | undefined;
  #seen = '';

  constructor(service: Service, served: Served) {
    this.#service = service;
    this.#served = served;
    this.#server = createServer((request, response) => {
      // Its next request would meet an attendant that may be about to end.
      response.setHeader('connection', 'close');
      this.#answer(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else send(response, 500, `${error instanceof Error ? error.message : error}\n`);
      });
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  listen(fd: number): void {
    this.#server.listen({ fd });
    // What cannot be read now may be read in a second.
    setInterval(() => this.#tick().catch(() => {}), SECOND).unref();
    setInterval(() => this.#glance().catch(() => {}), GLANCE).unref();
  }

  /**
   * Somebody may have connected without asking anything, and is not waited for long. That of node:http would cut whoever has
   * not asked yet (Node 26), in the instant between connecting and asking, too.
   */
  async end(): Promise<void> {
    const server = this.#server;
    this.#viewers.end();
    const timer = setTimeout(() => server.closeAllConnections(), LINGER);
    await new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
    clearTimeout(timer);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '', headers } = request;
    const [path = ''] = url.split('?');
    const file = this.#page.get(path);
    if (method !== 'GET' && method !== 'HEAD') send(response, 405, 'This address is for reading: use GET\n');
    else if (!this.#isMeant(headers.host)) send(response, 403, MISNAMED);
    else if (path === '/healthz') send(response, 200, 'alive\n');
    else if (path === '/readyz') this.#tellReadiness(response, await this.#service.look());
    else if (path === '/metrics') await this.#sendMetrics(response, await this.#service.look());
    else if (path === '/events') await this.#addViewer(method, response);
    else if (file !== undefined)
      send(response, file.status, file.text, { 'content-type': file.type, ...PAGE_HEADERS });
    else send(response, 404, 'There are /, /healthz, /readyz and /metrics\n');
  }

  /**
   * A page of another site could have a name of its own stand for this address (DNS rebinding), and read it with the browser of
   * somebody on this machine.
   */
  #isMeant(host: string | undefined): boolean {
    const { status, statusPublic } = this.#served;
    if (statusPublic || status?.kind !== 'tcp' || host === undefined) return true;
    const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
  }

  #tellReadiness(response: ServerResponse, now: Shown): void {
    send(response, isServing(now) ? 200 : 503, explainReadiness(now));
  }

  /** Looked for each time as long as there is none: it may be installed meanwhile. */
  async #sendMetrics(response: ServerResponse, now: Shown): Promise<void> {
    const { application } = this.#served;
    this.#promClient ??= findPromClient(application === null ? null : dirname(application));
    if (this.#promClient === undefined) {
      send(response, 501, WITHOUT_PROM_CLIENT);
      return;
    }
    const applications = (await gatherMetrics()).map(withoutOurs);
    const registry = aggregate(this.#promClient, [this.#metrics.families(now), ...applications]);
    send(response, 200, await registry.metrics(), { 'content-type': registry.contentType });
  }

  async #addViewer(method: string, response: ServerResponse): Promise<void> {
    if (method !== 'GET' || this.#viewers.areTooMany) {
      send(response, 503, 'Too many look already\n', { 'retry-after': '5' });
      return;
    }
    this.#service.watch();
    const survey = await this.#service.survey();
    const history = historyUntil(Math.floor(survey.at / 1000));
    this.#viewers.add(response, eventOf('history', history) + eventOf('survey', survey));
  }

  async #tick(): Promise<void> {
    if (!this.#viewers.areThere) return this.#service.note();
    this.#service.watch();
    this.#viewers.tell(eventOf('survey', await this.#service.survey()));
  }

  /** Viewers see at once what has changed, but for the numbers, which always do. */
  async #glance(): Promise<void> {
    if (!this.#viewers.areThere) return;
    const shown = await this.#service.look();
    const interval = this.#service.beatInterval(shown);
    const seen = JSON.stringify([shown, workersOf(shown).map((worker) => isBlocked(worker, interval))]);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#viewers.tell(eventOf('survey', await this.#service.survey()));
  }
}

const MISNAMED =
  'This address is for this machine: ask by an address or localhost, or start prefork with --status-public\n';
const WITHOUT_PROM_CLIENT =
  'prom-client writes the metrics, and is not installed: npm install prom-client, in the folder of the application\n';

function explainReadiness(now: Shown): string {
  const why = now.phase === 'running' ? '' : ', and the service is ending';
  return `${readyWorkers(now).length} of ${now.wanted} workers are ready${why}\n`;
}

/** What the manager counts is nothing that a worker could add to. */
function withoutOurs(families: Families): Families {
  return families.filter(({ name }) => !name.startsWith('prefork_'));
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': PLAIN, 'cache-control': 'no-store', ...headers });
  response.end(text);
}
