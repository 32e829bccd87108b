/** Asks all workers for the application's metrics, and reads what they have left. */
import { delay, monotonic, nextTurn } from '../../base/timers';
import { ring, rowsWithBells } from '../bells';
import { askForMetrics, type Row } from '../scoreboard';
import { type Families, lasting } from './families';
import {
  lastAnswerIn,
  type Publication,
  publicationIn,
  rowsWithPublications,
  sizeOfPublication,
} from './metrics-file';

/** Milliseconds after which what a worker left before is read: its event loop stands still. */
const PATIENCE = 1000;
const LOOK_AGAIN = 2;
/** Bytes of all workers together: whoever reads them has other things to do, too. */
const MOST = 64 * 1024 * 1024;

/** What each worker has counted, and those before it in its place. */
export async function gatherMetrics(): Promise<Families[]> {
  await askAll();
  const all: Families[] = [];
  let left = MOST;
  for (const row of rowsWithPublications()) {
    left -= sizeOfPublication(row);
    if (left < 0) break;
    const publication = publicationIn(row);
    if (publication === undefined) continue;
    all.push(isOfWorkerIn(row, publication) ? publication.own : lasting(publication.own), publication.gone);
    await nextTurn();
  }
  return all;
}

async function askAll(): Promise<void> {
  const round = askForMetrics();
  const until = monotonic() + PATIENCE;
  const asked = rowsWithBells().filter((row) => row.hasBeenReady && ring(row));
  const isOpen = (row: Row) => row.hasBeenReady && !hasAnswered(row, round);
  while (asked.some(isOpen) && monotonic() < until) await delay(LOOK_AGAIN);
}

/** Rounds begin anew after the largest: the difference counts. */
function hasAnswered(row: Row, round: number): boolean {
  const last = lastAnswerIn(row);
  return last !== undefined && isOfWorkerIn(row, last) && ((last.round - round) | 0) >= 0;
}

function isOfWorkerIn(row: Row, { pid }: Pick<Publication, 'pid'>): boolean {
  return row.isTaken && row.get('pid') === pid;
}
