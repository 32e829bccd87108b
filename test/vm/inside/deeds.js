// `deeds.js THEME PATTERN`: what test/fixtures/fork/do-in-both.js does, for all deeds of a theme one after the other.
const { join } = require('node:path');
const os = require('../../..');
const { binding } = require('../../../dist/base/binding');

const DEADMAN_SECONDS = 120;
const [, , theme, pattern] = process.argv;
const wanted = new RegExp(pattern);
const deeds = require(join(__dirname, '..', '..', 'fixtures', 'fork', 'deeds', theme));

async function isDoneInBoth(deed) {
  const prepared = await deed.prepare?.();
  while (!deed.allowInFlight && binding.requests_in_flight() > 0) await new Promise(setImmediate);
  const pid = os.fork({ allowInFlight: deed.allowInFlight ?? false });
  if (pid === 0) {
    os.alarm(DEADMAN_SECONDS);
    setInterval(() => {}, 1000); // what keeps the parent's loop alive stays with the parent
    await deed.run(prepared, true);
    os._exit(42);
  }
  const waited = os.waitpidAsync(pid);
  await deed.run(prepared, false);
  return os.waitstatusToExitcode((await waited)[1]);
}

async function main() {
  for (const [name, deed] of Object.entries(deeds)) {
    if (!wanted.test(`${theme}: it ${name}`)) continue;
    let problem;
    try {
      const code = await isDoneInBoth(deed);
      if (code !== 42) problem = `the child ended with ${code}`;
    } catch (error) {
      problem = error.stack;
    }
    const subject = `Node ${process.version.slice(1)} ${theme}: it ${name}`;
    console.log(problem === undefined ? `@ok ${subject}` : `@FAILED ${subject}: ${problem}`);
  }
  os._exit(0);
}
main();
