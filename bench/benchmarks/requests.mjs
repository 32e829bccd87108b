/** Processor time of a request over an open connection: one worker on one processor, the load on another. */
import { load, pin, processorNanoseconds, start } from '../lib/load.mjs';

const WAYS = {
  plain: ['plain', [], 'node server.js'],
  cluster: ['cluster-rr', [], 'cluster, round-robin'],
  fork: ['prefork', [], 'fork()'],
  rehearsed: ['prefork', ['rehearsal'], 'fork() after rehearse() and warmup()'],
  manager: ['manager', [], 'the process manager'],
  'manager-rehearsed': ['manager', ['--rehearse', '/'], 'the process manager with --rehearse /'],
};
const [SERVER, LOAD] = [0, 1]; // processors
const CONNECTIONS = 16;

export const requests = {
  name: 'requests',
  title: 'Processor time of a request, µs',
  turns: 5,
  async measure(samples, { seconds }) {
    for (const [name, [way, flags]] of Object.entries(WAYS)) {
      const server = await start(way, 1, 'trivial', flags);
      const [worker] = server.workers;
      pin(worker, SERVER);
      load(server.port, seconds, { connections: CONNECTIONS, processor: LOAD }); // V8 compiles
      const before = processorNanoseconds(worker);
      const { requests: answered } = load(server.port, 2 * seconds, {
        connections: CONNECTIONS,
        processor: LOAD,
      });
      samples.note(`request ${name}`, (processorNanoseconds(worker) - before) / answered / 1000);
      await server.stop();
    }
  },
  header: ['server, one worker', 'µs of processor time a request', ': node server.js'],
  rows: (s) =>
    Object.entries(WAYS).map(([name, [, , title]]) => [
      title,
      s.median(`request ${name}`),
      s.ratio(`request ${name}`, 'request plain'),
    ]),
};
