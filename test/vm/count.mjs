import { boot } from './machine.mjs';

/** Shows what is said in a machine, and counts it: `@ok …`, `@FAILED …`, at last `@end`. The rest belongs to what is being run. */
export async function bootAndCount(name, architecture, image, minutes) {
  const counts = { passed: 0, failed: 0 };
  let complete = false;
  const onLine = (line) => {
    console.log(line);
    if (line.startsWith('@ok ')) counts.passed += 1;
    if (line.startsWith('@FAILED ')) counts.failed += 1;
    if (line === '@end') complete = true;
  };

  const started = Date.now();
  const inTime = await boot(architecture, image, Number(minutes), onLine);
  if (!inTime) console.log(`The machine was switched off after ${minutes} minutes.`);
  else if (!complete) console.log('The machine stopped before its end.');
  if (!complete) counts.failed += 1;
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`${name}: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s`);
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}
