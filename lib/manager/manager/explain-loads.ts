import type { Unsharable } from '../channel/messages';
import { seconds } from '../policy/words';

const MEGABYTE = 1e6;

/** Why each worker loads the application by itself, what that costs, and what to do about it. */
export function explainLoads({ what, things, milliseconds, bytes }: Unsharable): string {
  const memory = bytes === 0 ? '' : `${Math.round(bytes / MEGABYTE)} MB and `;
  return (
    `The application has ${what} open at its first listen, which workers cannot share:${things}\n` +
    `Each worker now loads the application by itself. Shared, every worker but the first would save up to ${memory}` +
    `${timeOf(milliseconds)} of loading: for that, open them in the hook afterFork or once the server listens, or close ` +
    'them in the hook beforeFork. --preload no makes this the rule, --preload yes an error'
  );
}

function timeOf(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : seconds(milliseconds);
}
