/** What becomes of a fork while requests are in flight. Loaded when there are some: a process may never see a fork refused. */
import { preforkError } from '../base/errors';
import { activeRequests, formatActive } from './active';
import { holdersAmong } from './pool-hold';
import { adviceForTsx, areTsxOpening, leaveCacheToParent } from './tsx';

/** The child would go on with making that child, which is its parent's. */
function makingAChild(): Error {
  return preforkError(
    'ERR_PREFORK_BUSY',
    'fork() while a child of inChild(), a Pool or a Process is being made, or has just been. Wait with forkWhenIdle()',
  );
}

function busy(count: number): Error {
  const active = activeRequests();
  const names = active.map((request) => formatActive(request).replace(/^request /, ''));
  const traced = active.some(({ openedAt }) => openedAt !== undefined);
  return preforkError(
    'ERR_PREFORK_BUSY',
    `fork() while ${count} request${count === 1 ? ' is' : 's are'} in flight would do the work in both processes: ${names.join(', ')}. ` +
      'Wait with forkWhenIdle()' +
      (holdersAmong(count) > 0 ? '' : ', or pass { allowInFlight: true }') +
      adviceForTsx() +
      (traced ? '' : '. With PREFORK_TRACE=1 in the environment this says where each was made'),
  );
}

/**
 * Throws, unless they are tsx's: then the child is to do what this returns.
 * @throws Error `ERR_PREFORK_BUSY`
 */
export function refuseInFlight(count: number): () => void {
  if (holdersAmong(count) === count) throw makingAChild();
  if (areTsxOpening(count)) return leaveCacheToParent;
  throw busy(count);
}
