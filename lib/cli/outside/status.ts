/** `prefork status`: who runs, since when, which code, and how each worker is. */

import { setTimeout } from 'node:timers/promises';
import { duration } from '../../base/duration';
import { printable } from '../../base/printable';
import { Observer, type SeenWorker, type Sight } from '../../manager/shown/sight';
import type { Waiting } from './waiting';
import { bytes, table } from './words';

/** Two looks: rates are what has changed between them. In milliseconds. */
const APART = 500;

export async function status(waiting: Waiting, asJson: boolean): Promise<string> {
  const observer = new Observer(waiting);
  await observer.look();
  await setTimeout(APART);
  const sight = await observer.look();
  if (sight === undefined) throw new Error(`Process ${waiting.manager.pid} has just ended`);
  return asJson ? JSON.stringify(sight, null, 2) : pageOf(sight);
}

/** For people. */
export function pageOf(sight: Sight): string {
  return [...head(sight), '', ...workerTable(sight.workers)].join('\n');
}

/** The service as a whole, in a few lines. */
export function head(sight: Sight): string[] {
  return [identity(sight), process(sight), serves(sight), ...refusal(sight)].map(printable);
}

function identity({ name, application }: Sight): string {
  const version = application?.version == null ? '' : ` ${application.version}`;
  return `${name ?? 'An application'}${version}${application === null ? '' : `  ${application.path}`}`;
}

function process({ manager, addresses, queues, others }: Sight): string {
  const age = duration(Date.now() - Date.parse(manager.startedAt));
  const places = addresses.map((each) => (queues[each] ? `${each} (${queues[each]} waiting)` : each));
  const listens = places.length === 0 ? '' : `, listens on ${places.join(', ')}`;
  const beside = others.map(({ role, pid }) => `, ${role} ${pid}`).join('');
  return `manager ${manager.pid}${beside}: up ${age}, prefork ${manager.prefork}, Node ${manager.node}${listens}`;
}

function serves({ phase, generation, since, isReplacing, ready, wanted }: Sight): string {
  if (phase === 'loading') return 'The application is being loaded';
  if (phase !== 'running') return `It is ending: ${ready} of ${wanted} workers left`;
  const age = since === null ? '' : ` for ${duration(Date.now() - Date.parse(since))}`;
  const replacing = isReplacing ? '; a new version is on its way' : '';
  return `generation ${generation} serves${age}: ${ready} of ${wanted} workers ready${replacing}`;
}

function refusal({ refused }: Sight): string[] {
  return refused === null ? [] : [`generation ${refused.generation} was refused: ${refused.why}`];
}

const COLUMNS = [
  'ID:',
  'PID:',
  'STATE',
  'GEN:',
  'AGE:',
  'RESTARTS:',
  'REQUESTS:',
  'REQ/S:',
  'CONN:',
  'DELAY:',
  'CPU:',
  'PRIVATE:',
  'DOING',
];

/** The first line has the names of the columns. */
export function workerTable(workers: readonly SeenWorker[]): string[] {
  return table(COLUMNS, workers.map(cells));
}

function cells(worker: SeenWorker): string[] {
  return [
    String(worker.id),
    String(worker.pid),
    worker.state,
    String(worker.generation),
    duration(worker.age),
    String(worker.restarts),
    known(worker.requests, String),
    known(worker.requestsPerSecond, (rate) => rate.toFixed(rate < 10 ? 1 : 0)),
    known(worker.connections, String),
    known(worker.loopDelay, (delay) => `${delay.toFixed(0)} ms`),
    known(worker.cpu, (share) => `${(share * 100).toFixed(0)} %`),
    known(worker.privateMemory, bytes),
    worker.doing,
  ];
}

function known(value: number | null, show: (value: number) => string): string {
  return value === null ? '-' : show(value);
}
