/** The private memory of a worker, after load. */
import { setTimeout } from 'node:timers/promises';
import { loadRequests, pageTables, privateMemory, start } from '../lib/load.mjs';
import { peers } from '../lib/peers.mjs';

const SMALL = '--small-young-generation';
const MEMORY = [
  ['trivial', 'prefork', []],
  ['trivial', 'prefork', ['warmup']],
  ['trivial', 'manager', []],
  ['trivial', 'manager', [SMALL]],
  ['trivial', 'cluster-rr', []],
  ['trivial', 'pm2', []],
  ['trivial', 'gunicorn', []],
  ['trivial', 'tornado', []],
  ['data', 'prefork', []],
  ['data', 'prefork', ['warmup']],
  ['data', 'manager', []],
  ['data', 'manager', [SMALL]],
  ['data', 'cluster-rr', []],
];

/** Seconds: a process that rests gives memory back, which must not count. */
const REST = 15;
const wholeMemory = (pid) => privateMemory(pid) + pageTables(pid);
const memoryName = (application, way, flags) => ['memory', application, way, ...flags].join(' ');

export const memory = {
  name: 'memory',
  title: 'Private memory of a worker, MB',
  turns: 1,
  async measure(samples, { requests }) {
    const present = MEMORY.filter(([, way]) => peers[way] !== false);
    const trivial = present.filter(([application]) => application === 'trivial');
    // Only in these do a few hundred kilobytes more or less matter.
    for (const [application, way, flags] of [...trivial, ...trivial, ...present]) {
      const server = await start(way, 2, application, flags);
      samples.note(`${memoryName(application, way, flags)} fresh`, server.workers.map(wholeMemory));
      loadRequests(server.port, application === 'trivial' ? Math.min(10_000, requests) : requests);
      await setTimeout(REST * 1000);
      samples.note(memoryName(application, way, flags), server.workers.map(privateMemory));
      samples.note(`${memoryName(application, way, flags)} loaded`, server.workers.map(wholeMemory));
      await server.stop();
    }
  },
  header: [
    'server',
    'trivial, after 10,000 requests',
    '400 MB of data, after 200,000 requests',
    'with page tables, fresh',
    'with page tables, after 200,000 requests',
  ],
  rows: (s) =>
    [
      ['fork()', 'prefork', []],
      ['fork() after warmup()', 'prefork', ['warmup']],
      ['the process manager', 'manager', []],
      [`the process manager with ${SMALL}`, 'manager', [SMALL]],
      ['cluster', 'cluster-rr', []],
      ['PM2, cluster mode', 'pm2', []],
      ['gunicorn --preload', 'gunicorn', []],
      ['Tornado', 'tornado', []],
    ].map(([name, way, flags]) => [
      name,
      s.median(memoryName('trivial', way, flags)),
      s.median(memoryName('data', way, flags)),
      s.median(`${memoryName('data', way, flags)} fresh`),
      s.median(`${memoryName('data', way, flags)} loaded`),
    ]),
};
