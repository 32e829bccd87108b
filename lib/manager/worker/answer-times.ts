/** Every answer is counted by its status, and by how long its request has taken. */
import { subscribe } from 'node:diagnostics_channel';
import { monotonic } from '../../base/timers';
import type { AnswersLine } from '../answers';
import type { Row } from '../scoreboard';
import { cameAt, noteCame, type RequestStart } from './connections';

/** Undefined in the template, where nothing is counted. A child of the worker counts in a line that nobody sees. */
let counted: AnswersLine | undefined;

/** Before the application is loaded; nothing is counted yet. An answer that is cut off is none. */
export function hearOfAnswers(): void {
  subscribe('http.server.request.start', (message) => noteCame((message as RequestStart).response));
  subscribe('http.server.response.finish', (message) => {
    const { response } = message as RequestStart;
    const came = cameAt(response);
    if (came !== undefined) counted?.note(response.statusCode, monotonic() - came);
  });
}

/** Counts from now on. */
export function countAnswers({ answers }: Row): void {
  counted = answers;
}
