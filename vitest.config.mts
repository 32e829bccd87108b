import { defineConfig } from 'vitest/config';

const { TEST_REPORT } = process.env as { TEST_REPORT?: string };

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/fixtures/**'],
    pool: 'forks',
    // The tests start processes, which want processors too.
    maxWorkers: 2,
    // Every program under test has a deadman timer of its own (test/helpers/run.ts), 20 s unless it says otherwise.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: TEST_REPORT === undefined ? ['default'] : ['default', ['json', { outputFile: TEST_REPORT }]],
  },
});
