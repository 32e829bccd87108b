/** `prefork completion`: what each shell itself makes of the script. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMAND, folderWith, program } from '../../helpers/command';
import { isInstalled } from '../../helpers/installed';

const FILES = { 'server.js': '', 'shop.pid': '' };

const scripts = new Map<string, string>();

function script(shell: string): string {
  const text = scripts.get(shell) ?? printed(shell);
  scripts.set(shell, text);
  return text;
}

function printed(shell: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, 'completion', shell], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** What is typed, and what one Tab makes of its last word. */
const CASES = [
  ['prefork stat', 'status'],
  ['prefork logs', 'logs-reopen'],
  ['prefork init kub', 'kubernetes'],
  ['prefork completion fi', 'fish'],
  ['prefork status --js', '--json'],
  ['prefork server.js --graceful', '--graceful-timeout'],
  ['prefork --log-format js', 'json'],
  ['prefork --sticky i', 'ip'],
  ['prefork ser', 'server.js'],
  ['prefork check ser', 'server.js'],
  ['prefork stop sho', 'shop.pid'],
] as const;

test.each(CASES)('bash: %s', (typed, completed) => {
  const folder = folderWith({ ...FILES, script: script('bash') });
  const words = typed.split(' ');
  const run = `
    source ./script
    COMP_WORDS=(${words.join(' ')})
    COMP_CWORD=${words.length - 1}
    _prefork
    # With -o default it is readline that completes files where there is nothing else.
    [ \${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', run], { cwd: folder, encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: `${completed}\n`, stderr: '' });
});

test.skipIf(!isInstalled('/usr/bin/fish')).each(CASES)('fish: %s', (typed, completed) => {
  const folder = folderWith({ ...FILES, script: script('fish') });
  const run = `source ./script; complete -C '${typed}'`;
  const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', run], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, HOME: folder },
  });
  const words = stdout.split('\n').map((line) => line.split('\t')[0]);
  expect({ words, stderr }).toEqual({ words: [completed, ''], stderr: '' });
});

describe.skipIf(!isInstalled('/usr/bin/zsh'))('zsh', () => {
  test('completes all of them, as somebody types them.', async () => {
    const folder = folderWith({ ...FILES, script: script('zsh') });
    const shell = program('script', ['-qec', 'zsh -f -i', '/dev/null'], {
      cwd: folder,
      env: { HOME: folder, TERM: 'dumb', ZDOTDIR: folder },
    });
    const type = (keys: string) => shell.stdin.write(keys);
    type('PROMPT=; unset zle_bracketed_paste; autoload -U compinit && compinit -D -u && source ./script\n');
    // In place of the command: it says what it was called with.
    type(`prefork() { print -r -- "called: $*"; }; print REA''DY\n`);
    await shell.until(/READY/);
    for (const [typed, completed] of CASES) {
      type(`${typed}\t\n`);
      const line = [...typed.split(' ').slice(1, -1), completed].join(' ');
      await shell.until(new RegExp(`called: ${line.replaceAll('.', '\\.')} *\\r`));
    }
    type('exit\n');
    await shell.exit();
  });
});

test('Something else is refused, and what there is is said.', () => {
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, 'completion', 'csh'], {
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  expect(stderr).toContain('Allowed choices are bash, zsh, fish');
});

test('Every script is in the form of its shell.', () => {
  const folder = folderWith({ bash: script('bash'), zsh: script('zsh'), fish: script('fish') });
  for (const shell of ['bash', 'zsh', 'fish']) {
    if (shell !== 'bash' && !isInstalled(`/usr/bin/${shell}`)) continue;
    const { status, stderr } = spawnSync(shell, ['-n', join(folder, shell)], { encoding: 'utf8' });
    expect({ shell, status, stderr }).toEqual({ shell, status: 0, stderr: '' });
  }
});
