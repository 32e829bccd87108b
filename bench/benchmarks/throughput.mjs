/** Requests and connections a second of a whole server, beside its peers. */
import { load, processorTime, start } from '../lib/load.mjs';
import { present, WAYS } from '../lib/servers.mjs';

export const throughput = {
  name: 'throughput',
  title: 'Requests per second, and processor time of the parent per connection',
  turns: 3,
  async measure(samples, { seconds }) {
    for (const workers of [2, 4]) {
      for (const way of present(Object.keys(WAYS))) {
        const server = await start(way, workers);
        samples.note(`keep-alive ${way} ${workers}`, load(server.port, seconds).perSecond);
        const before = processorTime(server.parent);
        const { requests, perSecond } = load(server.port, seconds, { close: true });
        samples.note(`close ${way} ${workers}`, perSecond);
        samples.note(`parent ${way} ${workers}`, ((processorTime(server.parent) - before) / requests) * 1e6);
        await server.stop();
      }
    }
  },
  header: [
    'server',
    'workers',
    'keep-alive: requests/s',
    'Connection: close: connections/s',
    'µs of the parent per connection',
  ],
  rows: (s) =>
    [2, 4].flatMap((workers) =>
      Object.entries(WAYS).map(([way, name]) => [
        name,
        String(workers),
        s.median(`keep-alive ${way} ${workers}`),
        s.median(`close ${way} ${workers}`),
        s.median(`parent ${way} ${workers}`),
      ]),
    ),
  plotTitle: 'Connections per second',
  plot: (s) =>
    [2, 4].flatMap((workers) =>
      Object.entries(WAYS).map(([way, name]) => ({
        group: `${workers} workers`,
        series: name,
        value: s.median(`close ${way} ${workers}`),
      })),
    ),
};
