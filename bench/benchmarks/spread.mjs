/** How evenly connections go to four workers. */
import { countByWorker, start } from '../lib/load.mjs';
import { buildFloor } from '../lib/programs.mjs';
import { SPREAD_WAYS } from '../lib/servers.mjs';

export const SPREAD = [16, 64, 1000].flatMap((connections) =>
  [false, true].map((oneByOne) => ({
    connections,
    oneByOne,
    name: `${connections}${oneByOne ? ' one by one' : ''}`,
  })),
);

export const spread = {
  name: 'spread',
  title: 'Load skew of 4 workers: connections of the busiest ÷ idlest',
  turns: 5,
  async measure(samples) {
    buildFloor();
    for (const [key, [way, flags]] of Object.entries(SPREAD_WAYS)) {
      for (const { connections, oneByOne, name } of SPREAD) {
        const server = await start(way, 4, 'pid', flags);
        const counts = await countByWorker(server.port, connections, { oneByOne });
        const least = counts.length < 4 ? 0.5 : Math.min(...counts); // a worker without any counts as half of one
        samples.note(`spread ${key} ${name}`, Math.max(...counts) / least);
        await server.stop();
      }
    }
  },
  header: ['server', ...SPREAD.map(({ name }) => `${name} connections`)],
  rows: (s) =>
    Object.entries(SPREAD_WAYS).map(([key, [, , name]]) => [
      name,
      ...SPREAD.map((each) => s.median(`spread ${key} ${each.name}`)),
    ]),
};
