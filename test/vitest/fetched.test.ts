/**
 * prefork/vitest in a vitest that `npm run test:runners` fetches: 5, or 4 on a Node that is too old for it. Where it is not
 * there, these tests are skipped.
 */
import { describe } from 'vitest';
import { testSuite } from './compare';
import { FETCHED } from './installed';
import { testCoverage, testEnvironments, testRecords, testWarm } from './warm';

describe.skipIf(!FETCHED.isHere)(`vitest ${FETCHED.major}`, () => {
  if (FETCHED.major >= 5) {
    testSuite(FETCHED);
    testWarm(FETCHED);
    testRecords(FETCHED);
  }
  testEnvironments(FETCHED);
  testCoverage(FETCHED);
});
