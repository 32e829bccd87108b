// `suite.js <forks> <pattern>`: all that this Node has to show in the machine, if its name fits the pattern. One line for
// each, `@ok …` or `@FAILED …`.
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');

const FIXTURES = join(__dirname, '..', '..', 'fixtures', 'fork');
const PROGRAM_SECONDS = 300;
const STRESS_SECONDS = 1800;

const [, , forks, pattern] = process.argv;
const wanted = new RegExp(pattern);
const node = `Node ${process.version.slice(1)}`;

function report(name, problem) {
  console.log(problem === undefined ? `@ok ${node} ${name}` : `@FAILED ${node} ${name}: ${problem}`);
}

function start(args, seconds) {
  return spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** `expected`: the lines that parent and child print, in any order. */
function run(name, args, expected, seconds = PROGRAM_SECONDS) {
  if (!wanted.test(name)) return;
  const { status, signal, stdout, stderr } = start(args, seconds);
  const lines = stdout.trimEnd().split('\n').sort().join('\n');
  const good = status === 0 && lines === expected.sort().join('\n') && stderr === '';
  report(name, good ? undefined : `${status ?? signal}\n${stdout}\n${stderr}`);
}

/** All of a theme in one process, which prints its own lines: a Node takes seconds to start here. */
function runDeeds(theme) {
  const { status, signal, stdout, stderr } = start(
    [join(__dirname, 'deeds.js'), theme, pattern],
    PROGRAM_SECONDS * 2,
  );
  process.stdout.write(stdout);
  if (status !== 0) report(theme, `${status ?? signal}\n${stderr}`);
}

for (const theme of ['engine', 'files', 'network', 'processes', 'threads']) runDeeds(theme);
for (const list of ['libuv', 'cpython']) {
  const file = join(FIXTURES, `${list}.js`);
  for (const name of Object.keys(require(file))) run(`${list} ${name}`, [file, name], ['ok']);
}
run('every exit code', [join(FIXTURES, 'statuses.js'), '_exit'], ['wrong:'], STRESS_SECONDS);
run('every signal', [join(FIXTURES, 'statuses.js'), 'signals'], ['many signals', 'wrong:'], STRESS_SECONDS);
run('threads kept', [join(FIXTURES, 'threads-kept.js')], ['parent true', 'child true', '0']);
run('descriptors kept', [join(FIXTURES, 'descriptors-kept.js')], [...Array(20).fill(''), 'parent']);
run('marks kept', [join(FIXTURES, 'marks-kept.js')], ['child true true', 'parent true true']);
run('new sockets', [join(FIXTURES, 'new-sockets.js'), '5'], ['5']);
run('stress', [join(__dirname, 'stress.js'), forks], [`${forks} of ${forks}`], STRESS_SECONDS);
