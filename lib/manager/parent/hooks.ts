/** Hooks that run in the parent, which neither waits nor goes on with anything: its event loop never turns again. */
import { binding } from '../../base/binding';
import type { Hooks, Log } from '../settings';

/** Calls one, and says so if it has left something for later. What it throws is for the caller. */
export function callInParent(name: keyof Hooks, hook: () => unknown, log: Log): void {
  const before = binding.requests_in_flight();
  const result = hook() as Partial<PromiseLike<unknown>> | null | undefined;
  const isPromise = typeof result?.then === 'function';
  // Workers inherit it: unhandled, its rejection would end each of them.
  if (isPromise) result.then?.(undefined, () => {});
  if (!isPromise && binding.requests_in_flight() <= before) return;
  log({
    level: 'error',
    event: 'hook_returned_promise',
    message: `The hook ${name} started asynchronous work, which never ends in the parent: use synchronous calls`,
  });
}
