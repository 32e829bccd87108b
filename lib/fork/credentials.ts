/**
 * `process.setuid()`, `setgid()` and so on in a child. To Linux a user belongs to a thread, and in a child libc does not
 * reach all threads (native/fork/credentials.h). These calls are wrapped when the package is loaded, so that later imports
 * by name, and references kept later, are the right ones, too.
 */
import { syncBuiltinESMExports } from 'node:module';
import { binding } from '../base/binding';
import { check, preforkError } from '../base/errors';

const CREDENTIAL_CALLS = ['setuid', 'seteuid', 'setgid', 'setegid', 'setgroups', 'initgroups'] as const;

/** Known to every copy of this module, as Jest loads one for each test file. */
const REACHES_ALL = Symbol.for('prefork.reachesAllThreads');

type CredentialCall = (...parameters: unknown[]) => unknown;

/** musl's setuid() in a child would never return (native/fork/libc.h). */
function refuseWithMusl(name: string): void {
  if (binding.libc !== 'musl') return;
  throw preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    `process.${name}() does not work in a forked child with musl: give up privileges before the fork`,
  );
}

function reachingAllThreads(name: string, original: CredentialCall, loadedIn: number): CredentialCall {
  const wrapped = function (this: unknown, ...parameters: unknown[]): unknown {
    const isForked = binding.process_getpid() !== loadedIn;
    if (isForked) refuseWithMusl(name);
    const result = Reflect.apply(original, this, parameters);
    if (isForked) check(binding.share_credentials(), name);
    return result;
  };
  Object.defineProperty(wrapped, 'name', { value: name });
  return Object.assign(wrapped, { [REACHES_ALL]: true });
}

/** Answers whether it had to be changed: a worker thread has none of these calls. */
function wrap(object: NodeJS.Process, name: string, loadedIn: number): boolean {
  const original: unknown = Reflect.get(object, name);
  if (typeof original !== 'function' || REACHES_ALL in original) return false;
  return Reflect.set(object, name, reachingAllThreads(name, original as CredentialCall, loadedIn));
}

/** When the package is loaded, for the real `process` and, in a sandbox like Jest's, the copy that this module sees. */
export function wrapCredentialCalls(): void {
  const loadedIn = binding.process_getpid();
  const objects = new Set([binding.wait_real_process(), process]);
  const changed = [...objects].flatMap((object) =>
    CREDENTIAL_CALLS.filter((name) => wrap(object, name, loadedIn)),
  );
  if (changed.length > 0) syncBuiltinESMExports();
}
