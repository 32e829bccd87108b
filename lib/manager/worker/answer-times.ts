/** Every answer is counted by its status, and by how long its request has taken. */
import { subscribe } from 'node:diagnostics_channel';
import { monotonic } from '../../base/timers';
import type { Row } from '../scoreboard';
import { cameAt, noteCame, type RequestStart } from './connections';

/** One that is cut off is none. */
export function countAnswers({ answers }: Row): void {
  subscribe('http.server.request.start', (message) => noteCame((message as RequestStart).response));
  subscribe('http.server.response.finish', (message) => {
    const { response } = message as RequestStart;
    const came = cameAt(response);
    if (came !== undefined) answers.note(response.statusCode, monotonic() - came);
  });
}
