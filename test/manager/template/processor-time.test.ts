/** Processor time that an application has read before it listened, and reads again in a worker. */
import { expect, test } from 'vitest';
import { serve } from '../../helpers/served';

const APPLICATION = `
  const { createServer } = require('node:http');
  const { collectDefaultMetrics, register } = require('prom-client');
  const early = process.cpuUsage();
  while (process.cpuUsage(early).user < 400_000) for (let i = 0; i < 10_000_000; i++);
  const readings = () => ({
    process: process.cpuUsage(),
    resources: process.resourceUsage(),
    thread: process.threadCpuUsage?.() ?? { user: 0, system: 0 },
  });
  const before = readings();
  collectDefaultMetrics();
  const answers = {
    '/since': () => {
      const now = readings();
      const { user, system } = process.cpuUsage(before.process);
      return [
        now.process.user - before.process.user,
        now.process.system - before.process.system,
        now.resources.userCPUTime - before.resources.userCPUTime,
        now.thread.user - before.thread.user,
        user,
        system,
        process.threadCpuUsage?.(before.thread).user ?? 0,
      ];
    },
    '/wrong': () => [{ user: -1, system: 0 }, 'before'].map((wrong) => {
      try {
        return process.cpuUsage(wrong);
      } catch ({ code }) {
        return code;
      }
    }),
    '/metrics': () => register.metrics(),
  };
  createServer(async ({ url }, response) => {
    try {
      response.end(JSON.stringify(await answers[url]()));
    } catch (error) {
      response.end(String(error));
    }
  }).listen(0, '127.0.0.1');`;

test('It goes on where the application has last read it, and does not count what its template has used twice.', async () => {
  const served = await serve(['app.js', '-w', '1'], { files: { 'app.js': APPLICATION } });
  const first = JSON.parse(await served.ask('/since')) as number[];
  expect(Math.min(...first)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...first)).toBeLessThan(400_000);
  expect(JSON.parse(await served.ask('/wrong'))).toEqual(['ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_TYPE']);
  expect(await served.ask('/metrics')).toMatch(/^"# HELP process_cpu_user_seconds_total /);
});
