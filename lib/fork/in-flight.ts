import { binding } from '../base/binding';
import { harmlessRequests, holdersAmong } from './pool-hold';

const CLOSING_MILLISECONDS = 10;

/**
 * Requests that a fork would have done twice. A close that the thread pool has carried out is none of them: its
 * descriptor is closed in both processes, and what is left of it is a callback that is due, like a tick's. Many
 * native packages leave one behind when they are loaded (detect-libc).
 */
export function requestsInFlight(): number {
  const count = binding.requests_in_flight() - harmlessRequests();
  holdersAmong(count); // where there are none, what comes later is something else
  return count === 0 ? 0 : count - binding.requests_finished_closes(CLOSING_MILLISECONDS);
}
