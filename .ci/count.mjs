// `count.mjs reports failedStages`: adds up the reports in the folder and prints the closing line.
//
// A run that failed without a failed test to show for it (it crashed, it left no report, an error came outside any
// test, a linter complained) counts as one failure.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, failedStages] = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };

function addTests(report) {
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests + broken.length;
  total.skipped += report.numPendingTests + report.numTodoTests;
}

/** A run that was killed while it wrote its report has failed. */
function read(name) {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8'));
  } catch (error) {
    console.log(`${name}: ${error.message}`);
    return { passed: false };
  }
}

for (const name of readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()) {
  const report = read(name);
  const before = { ...total };
  if (report.numPassedTests !== undefined) addTests(report);
  else total[report.passed ? 'passed' : 'failed'] += 1;
  const difference = Object.keys(total).map((key) => `${total[key] - before[key]} ${key}`);
  console.log(`${name}: ${difference.join(', ')}`);
}

if (Number(failedStages) > 0 && total.failed === 0) total.failed = Number(failedStages);
if (total.passed === 0 && total.failed === 0) total.failed = 1;
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
process.exitCode = total.failed === 0 ? 0 : 1;
