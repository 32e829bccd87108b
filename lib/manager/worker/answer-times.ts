/** Every answer is counted by its status, and by how long its request has taken. */
import { subscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { monotonic } from '../../base/timers';
import type { Row } from '../scoreboard';
import type { RequestStart } from './connections';

/** On a response: when its request came. */
const BEGAN = Symbol('began');

interface Timed extends ServerResponse {
  [BEGAN]?: number;
}

/** One that is cut off is none. */
export function countAnswers({ answers }: Row): void {
  subscribe('http.server.request.start', (message) => {
    const response: Timed = (message as RequestStart).response;
    response[BEGAN] = monotonic();
  });
  subscribe('http.server.response.finish', (message) => {
    const response: Timed = (message as RequestStart).response;
    const began = response[BEGAN];
    if (began !== undefined) answers.note(response.statusCode, monotonic() - began);
  });
}
