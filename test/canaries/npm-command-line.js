// npm shows in its command line which script was asked for: the prebuild tool, which npm also runs before `npm run build`,
// sees that by it.
const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const { dirname, join } = require('node:path');
const { writeFileSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
const { canary, file, ROOT, skip } = require('./helpers/canary');

canary(() => {
  const which = spawnSync('sh', ['-c', 'readlink -f "$(command -v npm)"'], { encoding: 'utf8' });
  const npm = which.stdout.trim();
  if (npm === '') skip('npm is not installed');
  const tool = pathToFileURL(join(ROOT, 'tools/run-before-build.mjs')).href;
  const program = file(
    `import { isRunBeforeBuild } from '${tool}'; console.log(isRunBeforeBuild());`,
    'print.mjs',
  );
  const scripts = { prebuild: `"${process.execPath}" print.mjs`, build: 'true' };
  writeFileSync(join(dirname(program), 'package.json'), JSON.stringify({ scripts }));
  const seen = (name) =>
    execFileSync(process.execPath, [npm, 'run', '--silent', name], {
      cwd: dirname(program),
      encoding: 'utf8',
    });
  assert.equal(seen('build'), 'true\n');
  assert.equal(seen('prebuild'), 'false\n');
});
