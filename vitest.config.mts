import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Longer than the deadman of any program under test (test/helpers/run.ts), which shows what it printed.
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/fixtures/**', '**/node_modules/**'],
    testTimeout: 120_000,
  },
});
