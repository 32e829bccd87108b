/** How long an answer takes while one of four workers is slow. */
import { answerTimes, start } from '../lib/load.mjs';
import { buildFloor } from '../lib/programs.mjs';
import { QUANTILES, quantile } from '../lib/samples.mjs';
import { SPREAD_WAYS } from '../lib/servers.mjs';

export const tail = {
  name: 'tail',
  title: 'Milliseconds to an answer on a new connection, one of 4 workers blocked for 20 ms of every 25',
  turns: 3,
  async measure(samples) {
    buildFloor();
    for (const [key, [way, flags]] of Object.entries(SPREAD_WAYS)) {
      const server = await start(way, 4, 'pid-slow', flags);
      const times = await answerTimes(server.port, 2000, 8);
      for (const [name, q] of Object.entries(QUANTILES))
        samples.note(`tail ${name} ${key}`, quantile(times, q));
      await server.stop();
    }
  },
  header: ['server', 'median', 'p90', 'p99'],
  rows: (s) =>
    Object.entries(SPREAD_WAYS).map(([key, [, , name]]) => [
      name,
      ...Object.keys(QUANTILES).map((which) => s.median(`tail ${which} ${key}`)),
    ]),
};
