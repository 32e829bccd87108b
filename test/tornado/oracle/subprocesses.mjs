// prefork/process, Subprocess. argv: one case.
import { closeSync, readSync } from 'node:fs';
import { chdir, umask } from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { dup2, execvp, fork, pipe, waitpid, waitstatusToExitcode } from 'prefork/os';
import { CalledProcessError, DEVNULL, PIPE, STDOUT, Subprocess } from 'prefork/process';
import { say } from './configure.mjs';

const { STREAM } = Subprocess;
const python = (value) =>
  value === null ? 'None' : value === true ? 'True' : value === false ? 'False' : value;
const shell = (script) => ['sh', '-c', script];

const ends = (script) => () => {
  const child = new Subprocess(shell(script));
  say(`${python(child.returncode)} ${python(child.pid > 0)}`);
  child.setExitCallback((returncode) => say(`ended ${returncode} ${child.returncode}`));
  say('set');
};

const waits = (script) => async () => {
  try {
    say(await new Subprocess(shell(script)).waitForExit());
  } catch (error) {
    say(`${error.name} ${error.returncode}`);
  }
  say(await new Subprocess(shell(script)).waitForExit(false));
};

function messages() {
  for (const [code, command] of [
    [3, 'unknown'],
    [255, 'ls'],
    [-15, 'unknown'],
    [-9, ['a', 'b c']],
  ]) {
    say(new CalledProcessError(code, command).message);
  }
}

async function killed() {
  const child = new Subprocess(['sleep', '100']);
  child.proc.kill();
  say(await child.waitForExit(false));
}

async function streams() {
  const child = new Subprocess(['cat'], { stdin: STREAM, stdout: STREAM });
  say(python(child.stderr));
  child.stdin.end('to the cat\n');
  say((await text(child.stdout)).trim());
  say(await child.waitForExit());
}

async function standardError() {
  const child = new Subprocess(shell('echo err >&2'), { stderr: STREAM });
  say(`${python(child.stdin)} ${python(child.stdout)}`);
  say(`read ${(await text(child.stderr)).trim()}`);
  say(await child.waitForExit());
}

const readOnce = (fd) => {
  const buffer = Buffer.alloc(100);
  return buffer.toString('utf8', 0, readSync(fd, buffer)).trim();
};

async function descriptor() {
  const [reading, writing] = pipe();
  await new Subprocess(['echo', 'through a pipe'], { stdout: writing }).waitForExit();
  closeSync(writing);
  say(readOnce(reading));
}

async function surroundings() {
  await new Subprocess(shell('pwd; echo $A $HOME.'), { cwd: '/usr', env: { A: '1' } }).waitForExit();
}

async function throughTheShell() {
  await new Subprocess('echo $0 and $((1 + 2))', { shell: true }).waitForExit();
  await new Subprocess(['echo $0 $1', 'name', 'argument'], { shell: true }).waitForExit();
  await new Subprocess('true').waitForExit();
}

function errors() {
  for (const [command, options] of [
    [['no-such-program'], {}],
    [['/etc/passwd'], {}],
    [['true'], { cwd: '/nonexistent' }],
    ['echo two words', {}],
  ]) {
    try {
      new Subprocess(command, options);
    } catch (error) {
      say(error.code);
    }
  }
}

function odd() {
  for (const [command, options] of [
    [['true'], { cwd: '' }],
    ['true', { cwd: '', shell: true }],
    [['true'], { cwd: '/etc/passwd' }],
    [['true'], { cwd: '/etc/passwd/x' }],
    [['no-such-program'], { cwd: '/usr' }],
    [['no-such-program'], { cwd: '/nonexistent' }],
    [[''], {}],
    ['', {}],
    [['', 'x'], { cwd: '/usr' }],
    [['/'], {}],
    [['.'], {}],
    [[' '], {}],
    [['env'], { env: { PATH: '' } }],
    [['env'], { env: { '=A': '1' } }],
    [['env'], { env: { 'A=B': '1' } }],
    [['env'], { env: { '': '1' }, cwd: '' }],
    [['env'], { env: { '=': '1' }, cwd: '' }],
  ]) {
    try {
      new Subprocess(command, options);
      say('started');
    } catch (error) {
      say(error instanceof TypeError ? 'refused' : `${error.code} ${error.address}`);
    }
  }
}

async function empty() {
  const run = (args, options) => new Subprocess(args, options).waitForExit();
  await run('', { shell: true });
  await run(['printf', '<%s>', '', 'a', '']);
  say('');
  await run(['/usr/bin/env'], { env: { '': 'nameless' } });
  await run(['/usr/bin/env'], { env: { A: '' } });
  await run(['/usr/bin/env'], { env: {} });
  await run(['env'], { env: { A: 'without PATH' } });
  say(await new Subprocess([], { shell: true, stderr: DEVNULL }).waitForExit(false));
}

async function several() {
  const children = [0, 1, 2, 3, 4].map((n) => new Subprocess(shell(`exit ${n}`)));
  const codes = await Promise.all(children.map((each) => each.waitForExit(false)));
  say(`[${codes.join(', ')}]`);
}

function replaced() {
  const child = new Subprocess(shell('read line'), { stdin: STREAM });
  child.setExitCallback(() => say('first'));
  child.setExitCallback((returncode) => say(`second ${returncode}`));
  child.stdin.end();
}

async function uninitialized() {
  const child = new Subprocess(shell('read line; exit 4'), { stdin: STREAM, stdout: STREAM });
  const told = new Promise((resolve) => {
    child.setExitCallback((returncode) => {
      say(`told ${returncode}`);
      resolve();
    });
  });
  Subprocess.uninitialize();
  Subprocess.uninitialize();
  child.stdin.end();
  await text(child.stdout);
  await setTimeout(200);
  say('not told');
  const other = new Subprocess(shell('read line; exit 0'), { stdin: STREAM });
  const ended = other.waitForExit();
  other.stdin.end();
  await ended;
  await told;
}

async function session() {
  const child = new Subprocess(shell('ps -o sid= -p $$'), { stdout: STREAM, startNewSession: true });
  say(python(Number(await text(child.stdout)) === child.pid));
  await child.waitForExit();
}

async function noDescriptors() {
  const [kept] = pipe();
  await new Subprocess(shell(`[ -e /proc/$$/fd/${kept} ] && echo open || echo closed`)).waitForExit();
}

async function together() {
  const child = new Subprocess(shell('echo out; echo err >&2; exit 3'), { stdout: STREAM, stderr: STDOUT });
  say(`${python(child.stdin)} ${python(child.stderr)}`);
  say((await text(child.stdout)).trim());
  say(await child.waitForExit(false));
}

async function togetherElsewhere() {
  const [reading, writing] = pipe();
  const both = shell('echo out; echo err >&2');
  await new Subprocess(both, { stdout: writing, stderr: STDOUT }).waitForExit();
  closeSync(writing);
  say(readOnce(reading));
  await new Subprocess(both, { stderr: STDOUT }).waitForExit();
  await new Subprocess(both, { stdout: DEVNULL, stderr: STDOUT }).waitForExit();
}

async function nowhere() {
  const script = 'cat; echo nobody reads; [ -c /dev/fd/1 ] && echo device >&2';
  const child = new Subprocess(shell(script), { stdin: DEVNULL, stdout: DEVNULL, stderr: STREAM });
  say(`${python(child.stdin)} ${python(child.stdout)}`);
  say((await text(child.stderr)).trim());
  say(await child.waitForExit());
}

async function pipes() {
  const child = new Subprocess(['cat'], { stdin: PIPE, stdout: PIPE });
  child.stdin.end("through Python's own");
  say(await text(child.stdout));
  say(await child.waitForExit());
}

const passes =
  (...numbers) =>
  async () => {
    const kept = numbers.map((number) => {
      const [reading, writing] = pipe();
      dup2(writing, number, false);
      closeSync(writing);
      return reading;
    });
    dup2(pipe()[0], 50, false);
    const script = [...numbers.map((number) => `echo ${number} >/dev/fd/${number}`)].join('; ');
    await new Subprocess(shell(`${script}; [ -e /proc/$$/fd/50 ] && echo open || echo closed`), {
      passFds: [...numbers, 1],
    }).waitForExit();
    for (const reading of kept) say(readOnce(reading));
  };

function refused() {
  for (const options of [
    { passFds: [-1] },
    { passFds: 7 },
    { passFds: [60] },
    { stdin: 60 },
    { stdout: 'a file' },
  ]) {
    try {
      new Subprocess(['true'], options);
      say('started');
    } catch (error) {
      say(error instanceof TypeError || error instanceof RangeError ? 'refused' : error.code);
    }
  }
}

function beforeTheProgram() {
  const pid = fork();
  if (pid === 0) {
    chdir('/usr');
    umask(0o27);
    execvp('sh', ['sh', '-c', 'pwd; umask; exit 5']);
  }
  say(waitstatusToExitcode(waitpid(pid)[1]));
}

const CASES = {
  'set_exit_callback: 0': ends('exit 0'),
  'set_exit_callback: 3': ends('exit 3'),
  'set_exit_callback: 255': ends('exit 255'),
  'set_exit_callback: SIGTERM': ends('kill -TERM $$'),
  'set_exit_callback: a second one': replaced,
  'wait_for_exit: 0': waits('exit 0'),
  'wait_for_exit: 3': waits('exit 3'),
  'wait_for_exit: SIGKILL': waits('kill -KILL $$'),
  'wait_for_exit: several': several,
  'CalledProcessError: messages': messages,
  terminate: killed,
  'stdin and stdout': streams,
  stderr: standardError,
  'stdout to a descriptor': descriptor,
  'cwd and env': surroundings,
  shell: throughTheShell,
  errors,
  'odd values': odd,
  'empty values': empty,
  uninitialize: uninitialized,
  'stderr with stdout': together,
  "stderr with a descriptor, with this process's, with nothing": togetherElsewhere,
  DEVNULL: nowhere,
  PIPE: pipes,
  pass_fds: passes(20),
  'pass_fds: several': passes(29, 24, 40),
  refused,
  'before the program': beforeTheProgram,
  start_new_session: session,
  'descriptors are not inherited': noDescriptors,
};

await CASES[process.argv[2]]();
