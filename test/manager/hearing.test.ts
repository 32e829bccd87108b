/** How long the manager listens to one of its children at a time, and what it makes of the last words of one. */
import { expect, onTestFinished, test } from 'vitest';
import { monotonic } from '../../lib/base/timers';
import { Channel } from '../../lib/manager/channel/channel';
import { Generations } from '../../lib/manager/manager/generations';
import { Hearing } from '../../lib/manager/manager/hearing';
import { newPeer } from '../../lib/manager/manager/peers';
import { Succession } from '../../lib/manager/manager/succession';

type Parts = ConstructorParameters<typeof Hearing>;
type PartsOfGenerations = ConstructorParameters<typeof Generations>;
type PartsOfSuccession = ConstructorParameters<typeof Succession>;

function pairOfChannels(): [Channel, Channel] {
  const [own, others] = Channel.pair();
  onTestFinished(() => {
    own.close();
    others.close();
  });
  return [own, others];
}

/** A worker whose questions take the manager so many milliseconds each, and what came of what it has said. */
function listenedTo(milliseconds: number) {
  const [own, others] = pairOfChannels();
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

test.each([
  ['is given up meanwhile is killed, but not accused of it', 'ending', []],
  ['has done so already is killed, and the log says why', 'loaded', ['protocol_violated']],
])('A template that says that it has loaded, and %s.', (_, phase, logged) => {
  const [own, others] = pairOfChannels();
  const peer = newPeer('template', process.pid, 0, own);
  const seen: number[] = [];
  const driver = { state: { templates: [{ generation: 0, phase }] }, kill: (pid: number) => seen.push(pid) };
  const events: string[] = [];
  const log = { note: ({ event }: { event: string }) => events.push(event) };
  const has = { generations: new Map([[0, { number: 0, template: peer }]]), log };
  const generations = new Generations(...([driver, has, {}] as unknown as PartsOfGenerations));
  others.send({ type: 'loaded' });
  new Hearing(...([driver, has, { generations }] as unknown as Parts)).listenTo(peer);
  expect({ seen, events }).toEqual({ seen: [process.pid], events: logged });
});

test('A trial that was given up is not accused of having passed; a worker that says so is.', () => {
  const succession = new Succession(...([{}, {}, {}] as unknown as PartsOfSuccession));
  const [own] = pairOfChannels();
  const said = { type: 'can start' } as const;
  expect(succession.hear(newPeer('trial', process.pid, -1, own), said)).toBeUndefined();
  expect(succession.hear(newPeer('worker', process.pid, 0, own), said)).toBe(
    'ended a trial that was not under way',
  );
});
