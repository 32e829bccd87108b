// Runs before `npm pack` and `npm publish`. A tarball without binaries compiles on the user's machine, which is slow
// but right; one with stale binaries would load them in place of the sources that it carries.
import { stateOfPrebuilds } from './sources.mjs';

if (stateOfPrebuilds() === 'stale') {
  console.error(
    'prebuilds/ was made from other sources than these: `npm run prebuild`, or delete prebuilds/linux-*',
  );
  process.exitCode = 1;
}
