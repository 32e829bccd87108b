/** What `prefork` prints when it is asked for help: on the first screen what to do next, and no stack for `| head`. */
import { expect, test } from 'vitest';
import { COMMAND, folderWith, prefork, program } from '../helpers/command';

test('The first screen of --help has examples, the options most needed and the signals.', async () => {
  const { stdout, stderr, status } = await prefork(folderWith({}), ['--help']).result;
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const screen = stdout.split('\n').slice(0, 24).join('\n');
  for (const words of ['prefork server.js ', '--bind :8888', 'prefork check server.js', '--workers', 'HUP']) {
    expect(screen).toContain(words);
  }
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

/** Runs the command when nobody can read its output any more, and prints its status. */
const WITHOUT_READER = `
  mkfifo gone
  { cat gone; "$@"; echo "status $?" >&2; } | { exec 3> gone; exec 0<&-; }
`;

test.each([[['--help']], [['check', '--help']], [['--version']], [['check', 'server.js']]])(
  '%j | head: a reader that has gone away is no error.',
  async (args) => {
    const folder = folderWith({ 'server.js': "require('node:http').createServer().listen(4321);" });
    const shell = ['-c', WITHOUT_READER, 'sh', process.execPath, COMMAND, ...args];
    const { stderr } = await program('sh', shell, { cwd: folder }).result;
    expect(stderr).toBe('status 0\n');
  },
);
