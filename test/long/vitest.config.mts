/** `npm run test:long`: what takes minutes, and all of the machine. */
import { defineConfig } from 'vitest/config';

const { TEST_REPORT } = process.env as { TEST_REPORT?: string };

export default defineConfig({
  test: {
    include: ['test/long/*.long.ts'],
    globalSetup: 'test/helpers/temporary-folder.ts',
    pool: 'forks',
    maxWorkers: 1,
    // Each program has a deadman of its own, which shows what it printed.
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
    disableConsoleIntercept: true,
    reporters: TEST_REPORT === undefined ? ['default'] : ['default', ['json', { outputFile: TEST_REPORT }]],
  },
});
