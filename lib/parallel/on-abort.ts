import { binding } from '../base/binding';

/**
 * Calls `listener` when the signal is aborted, in this process: a child has a copy of both, and may abort it for itself. What it
 * would end there is its parent's. Returns a function that ends that.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  const owner = binding.process_getpid();
  const abort = () => {
    if (binding.process_getpid() === owner) listener();
  };
  signal?.addEventListener('abort', abort, { once: true });
  return () => signal?.removeEventListener('abort', abort);
}
