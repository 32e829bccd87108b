// Runs before `npm pack` and `npm publish`. A tarball without binaries compiles on the user's machine, which is slow but
// correct; one with stale binaries would load them instead of its sources.
import { stateOfPrebuilds } from './sources.mjs';

if (stateOfPrebuilds() === 'stale') {
  console.error(
    'prebuilds/ was made from other sources than these: `npm run prebuild`, or delete prebuilds/linux-*',
  );
  process.exitCode = 1;
}
