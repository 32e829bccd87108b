/** The test runners that `npm run test:runners` fetches. Where they are not there, these tests are skipped. */
import { RUNS, testRunner } from './runners';

for (const [name, runner] of Object.entries(RUNS)) {
  if (runner.fetched !== undefined) testRunner(name, runner);
}
