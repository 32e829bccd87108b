import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Longer than the deadman of any program under test (test/helpers/run.ts), which shows what it printed.
  test: { include: ['test/**/*.test.ts'], testTimeout: 120_000 },
});
