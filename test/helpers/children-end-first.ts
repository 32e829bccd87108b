import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';
import type { ForkMessage } from '../..';
import { stateOf } from './proc';

const awaitEnd = (message: unknown) => {
  while (!['Z', undefined].includes(stateOf((message as ForkMessage).pid)));
};

/** For one test: a child has ended before the loop of its parent turns again, which hears of all that it did only then. */
export function letChildrenEndFirst(): void {
  subscribe('prefork:fork', awaitEnd);
  onTestFinished(() => void unsubscribe('prefork:fork', awaitEnd));
}
