import { defineConfig } from 'vitest/config';

const { TEST_REPORT } = process.env as { TEST_REPORT?: string };

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/temporary-folder.ts',
    exclude: ['**/node_modules/**', 'test/fixtures/**'],
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'] },
    pool: 'forks',
    // The tests start processes, which want processors too; but a third of the time they only wait for one.
    maxWorkers: 3,
    // Longer than the deadman of any program under test (test/helpers/run.ts), which shows what it printed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: TEST_REPORT === undefined ? ['default'] : ['default', ['json', { outputFile: TEST_REPORT }]],
  },
});
