/** How long the manager listens to one of its children at a time, and what it makes of the last words of one. */
import { expect, onTestFinished, test } from 'vitest';
import { monotonic } from '../../lib/base/timers';
import { Channel } from '../../lib/manager/channel/channel';
import { Hearing } from '../../lib/manager/manager/hearing';
import { newPeer } from '../../lib/manager/manager/peers';

type Parts = ConstructorParameters<typeof Hearing>;

/** A worker whose questions take the manager so many milliseconds each, and what came of what it has said. */
function listenedTo(milliseconds: number) {
  const [own, others] = Channel.pair();
  onTestFinished(() => {
    own.close();
    others.close();
  });
  const peer = newPeer('worker', process.pid, 0, own);
  const seen = { answered: 0, settled: () => peer.isSettled, killed: [] as number[] };
  const answer = () => {
    const end = monotonic() + milliseconds;
    while (monotonic() < end);
    seen.answered += 1;
  };
  const driver = { state: { phase: 'stopping' }, kill: (pid: number) => seen.killed.push(pid) };
  const has = { generations: new Map([[0, {}]]), probes: { answer } };
  const generations = {
    dismiss: ({ pid, hasEnded }: typeof peer) => hasEnded || driver.kill(pid),
  };
  const hearing = new Hearing(...([driver, has, { generations }] as unknown as Parts));
  Object.assign(peer, { worker: { id: 0 } });
  return { peer, others, seen, hearing };
}

const ASKS = { type: 'try', bind: { kind: 'tcp', host: '127.0.0.1', port: 8080 } };
const LISTENS = { type: 'listen', bind: { kind: 'tcp', host: '127.0.0.1', port: 8080 } };

test('One whose questions take long has one of them answered, and then all others their turn.', () => {
  const { peer, others, seen, hearing } = listenedTo(15);
  for (let i = 0; i < 5; i++) others.send(ASKS);
  hearing.listenTo(peer);
  expect(seen.answered).toBe(1);
  hearing.listenTo(peer);
  expect(seen.answered).toBe(2);
});

test('Of one that has ended every last word is heard, none of its questions answered, and nobody who has its number killed.', () => {
  const { peer, others, seen, hearing } = listenedTo(0);
  for (let i = 0; i < 40; i++) others.send(i % 2 === 0 ? ASKS : LISTENS);
  others.send({ type: 'settled' });
  peer.hasEnded = true;
  hearing.hearOut(peer);
  expect(seen).toMatchObject({ answered: 0, killed: [] });
  expect(peer.isSettled).toBe(true);
});
