import { isMainThread } from 'node:worker_threads';
import { invalidValue } from '../base/arguments';
import { binding } from '../base/binding';
import { invalidType, type SystemError, systemError } from '../base/errors';
import { assignments, type Environment, execName, withoutNul } from './environment';

export type { Environment } from './environment';

/** Python's os.defpath. */
const DEFAULT_PATH = '/bin:/usr/bin';

function checkArguments(args: unknown): string[] {
  if (!Array.isArray(args)) throw invalidType('args', 'an array of strings', args);
  const list = args.map((each) => withoutNul('each of args', each));
  if (list.length === 0) throw invalidValue('Expected args not to be empty');
  if (list[0] === '')
    throw invalidValue('Expected the first of args, the name of the program, not to be empty');
  return list;
}

/** The process's own as it is, byte for byte; that of a worker thread is a copy which only JavaScript has. */
function ownEnvironment(): string[] | null {
  return isMainThread ? null : assignments(process.env, execName);
}

/** Returns only with the error. */
function attempt(path: string, args: string[], environment: string[] | null): SystemError {
  return systemError(binding.process_execve(path, args, environment), 'execve', { address: path });
}

function isNoSuchFile({ code }: SystemError): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** As Python's os._execvpe: the first error other than "no such file", or the last of these. */
function searchAndExecute(
  file: string,
  args: string[],
  path: string | undefined,
  environment: string[] | null,
): never {
  if (file.includes('/')) throw attempt(file, args, environment);
  let failure: SystemError | undefined;
  let absence: SystemError | undefined;
  for (const folder of (path ?? DEFAULT_PATH).split(':')) {
    const error = attempt(folder === '' ? file : `${folder.replace(/\/$/, '')}/${file}`, args, environment);
    if (isNoSuchFile(error)) absence = error;
    else failure ??= error;
  }
  throw failure ?? absence;
}

/**
 * Becomes another program: same process, same pid. All threads end, and no `exit` listener runs. Does not return.
 *
 * The program inherits standard input, output and error (blocking, as programs expect them), and of the other descriptors those
 * that are not close-on-exec, which means none that Node or this package has opened: `dup2(fd, n)` makes one that is inherited. It
 * inherits the current directory, the environment, the signals that are ignored (`signal(SIGINT, SIG_IGN)`; SIGPIPE and
 * SIGXFSZ are, as in Python), niceness, affinity, `alarm` and the children. Signals with listeners do the default again.
 *
 * On an error it throws, and nothing has changed. A child that was forked for it should then leave by `_exit(127)`, as
 * shells do.
 *
 * Source: execve(2), Python's `os.execv`.
 * @param path the program's file
 * @param args what the program finds in argv, its name first
 * @throws SystemError execve `ENOENT`, `EACCES`, `ENOEXEC` (no `#!` line), `E2BIG` and others, with the path as `address`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE`: no arguments, an empty first one, a
 *   NUL in one
 */
export function execv(path: string, args: readonly string[]): never {
  throw attempt(withoutNul('path', path), checkArguments(args), ownEnvironment());
}

/**
 * `execv` with an environment.
 *
 * Source: execve(2), Python's `os.execve`.
 * @param env all of it: names and values; what is `undefined` is left out
 * @throws as `execv`; TypeError `ERR_PREFORK_INVALID_ARG_VALUE` also for an invalid name
 */
export function execve(path: string, args: readonly string[], env: Environment): never {
  throw attempt(withoutNul('path', path), checkArguments(args), assignments(env, execName));
}

/**
 * `execv` of a program that is looked for in the folders of PATH (`/bin:/usr/bin` if there is none), unless `file` has a slash.
 *
 * Source: Python's `os.execvp`.
 * @throws as `execv`; of several errors the first that is not "no such file"
 */
export function execvp(file: string, args: readonly string[]): never {
  searchAndExecute(withoutNul('file', file), checkArguments(args), process.env['PATH'], ownEnvironment());
}

/**
 * `execvp` with an environment, in whose PATH it looks.
 *
 * Source: Python's `os.execvpe`.
 * @throws as `execvp` and `execve`
 */
export function execvpe(file: string, args: readonly string[], env: Environment): never {
  const environment = assignments(env, execName);
  searchAndExecute(withoutNul('file', file), checkArguments(args), env['PATH'], environment);
}
