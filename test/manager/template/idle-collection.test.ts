/** The collection that V8 of Node 24 begins by itself where nothing else is to be done. */
import { expect, test } from 'vitest';
import { serve } from '../../helpers/served';

const APPLICATION = `
  const { createServer } = require('node:http');
  const { PerformanceObserver, constants } = require('node:perf_hooks');
  const { runInNewContext } = require('node:vm');
  require('node:v8').setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const collectedSince = (time) => new Promise((resolve) => {
    new PerformanceObserver((list) => {
      for (const { detail, startTime } of list.getEntries())
        if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR && startTime > time) resolve();
    }).observe({ entryTypes: ['gc'] });
  });
  createServer(async (_, response) => {
    for (let i = 0, garbage = []; i < 400_000; i++) garbage.push({ i, text: \`text \${i}\` });
    collect();
    await collectedSince(performance.now());
    response.end('collected');
  }).listen(0, '127.0.0.1');`;

test.runIf(process.versions.v8.startsWith('13.'))(
  'A worker that is not warmed up has it as without the process manager.',
  async () => {
    const served = await serve(['app.js', '-w', '1', '--no-warmup'], { files: { 'app.js': APPLICATION } });
    expect(await served.ask()).toBe('collected');
  },
);
