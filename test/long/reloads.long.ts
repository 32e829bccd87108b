/** After many reloads, every tenth of which is refused, the manager is as large as before, and nothing old is left. */
import { expect, test } from 'vitest';
import { freePort } from '../helpers/port';
import { application, Deployment, type Holdings, holdings, least } from './deployment';

const RELOADS = Number(process.env['RELOADS'] ?? 1000);
/** Until then V8 enlarges its heap, once. */
const WARM = Math.floor(RELOADS / 4);
const LOOKS = Math.floor(RELOADS / 10);
const GROWTH = 3 * 2 ** 20;
/** V8 would keep what nobody needs for hundreds of reloads. */
const COLLECTS = ['--gc-global'];
/** Of a worker, which the manager tells of everything that it does (the attendant), and of an address that comes and goes. */
const HOOKS = 'export default { hooks: { workerReady() {}, workerExit() {} } };';

test('One manager, two workers, a template and an attendant are all there is.', async () => {
  const [port, second] = [freePort(), freePort()];
  const files = { 'prefork.config.mjs': HOOKS };
  const deployment = new Deployment({ port, node: COLLECTS, files, deadman: 60_000 + RELOADS * 3_000 });
  await deployment.until('workers_ready');
  const processes = deployment.workers + 2;
  await deployment.untilChildren((now) => now.length === processes);
  const looks: Holdings[] = [];
  for (let reload = 1; reload <= RELOADS; reload++) {
    const isBroken = reload % 10 === 0;
    const more = reload % 2 === 0 ? '' : `createServer().listen(${second}, '127.0.0.1');`;
    const old = deployment.children();
    deployment.write(isBroken ? "throw new Error('no')" : application(reload, port, more));
    deployment.signal('SIGHUP');
    await deployment.until(isBroken ? 'replacement_refused' : 'replaced_all');
    const isSettled = (now: number[]) =>
      now.length === processes && (isBroken || now.every((pid) => !old.includes(pid)));
    await deployment.untilChildren(isSettled);
    looks.push(holdings(deployment.manager));
    if (reload % 100 === 0) console.log(reload, JSON.stringify(looks.at(-1)));
  }
  const [before, after] = [looks.slice(WARM - LOOKS, WARM), looks.slice(-LOOKS)];
  // The second address comes and goes.
  expect(least(after, 'descriptors')).toBe(least(before, 'descriptors'));
  expect(least(after, 'private') - least(before, 'private')).toBeLessThan(GROWTH);
  expect(deployment.running.survivors()).toHaveLength(processes + 1);
  expect(await deployment.stop()).toBe('status 0');
});
