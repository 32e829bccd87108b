/** The page of `--status` in a real browser: it shows at once what becomes of the service, to everybody. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFailed, test } from 'vitest';
import { hasChromium, openChromium, openPage } from '../../helpers/chromium';
import { type Served, serve } from '../../helpers/served';
import { ROOT } from '../../helpers/stdin';

/** Its name would be a picture, and run a script, if the page took it for more than a text. */
const FILE = 'app<img src=x onerror=alert(1)>.js';
const APP = `
  require('node:http').createServer((request, response) => {
    if (request.url === '/hang') for (;;);
    if (request.url === '/crash') process.exit(3);
    response.statusCode = request.url === '/broken' ? 500 : 200;
    response.end(String(process.pid));
  }).listen(0, '127.0.0.1');`;

/** Milliseconds. A browser on a busy machine takes long for everything. */
const DEADLINE = 220_000;

interface Seen {
  served: Served;
  page: Page;
  /** What the browser complains of: code or files that the page must not have, and errors of its own code. */
  complaints: string[];
}

async function open(options: string[] = [], view = {}): Promise<Seen> {
  const args = [FILE, '-w', '2', '--name', 'shop', '--status', '127.0.0.1:0', ...options];
  const [served, page] = await Promise.all([
    serve(args, { files: { [FILE]: APP }, until: /2 workers ready/, deadman: DEADLINE }),
    openPage(view, DEADLINE),
  ]);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // A stream of events that a new attendant takes over.
    if (message.type() === 'error' && !/ERR_(INCOMPLETE|CONNECTION|EMPTY)/.test(message.text()))
      complaints.push(message.text());
  });
  onTestFailed(async () => console.error(await page.locator('body').textContent()));
  const [, address] = /The status is served on (\S+)/.exec(served.log) ?? [];
  await page.goto(`http://${address}/`);
  await state(page, 'Serving');
  return { served, page, complaints };
}

function state(page: Page, text: string): Promise<void> {
  return page.locator('#state', { hasText: new RegExp(`^${text}$`) }).waitFor();
}

function happened(page: Page, what: string): Promise<void> {
  return page.locator(`#latest [data-what="${what}"]`).first().waitFor();
}

/** By a selector: the page's own policy forbids to evaluate a text in it again and again. */
function rows(page: Page, count: number): Promise<void> {
  return page.locator(`#rows tr:nth-child(${count}):last-child`).waitFor();
}

describe.skipIf(!hasChromium)(
  'In Chromium (without the package chromium skipped)',
  { timeout: 240_000 },
  () => {
    test('a scale, a reload, a crash and a hang are seen when they happen, in their order; text stays text.', async () => {
      const { served, page, complaints } = await open(['--hang-timeout', '0']);
      const began = Date.now();
      expect(await page.locator('h1').textContent()).toBe('shop');
      expect(await page.title()).toBe('shop');
      expect(await page.locator('#path').textContent()).toContain(FILE);
      expect(await page.locator('#rows tr').count()).toBe(2);

      served.running.kill('SIGTTIN');
      await happened(page, 'added');
      await rows(page, 3);
      await page.getByText('3 of 3 ready').waitFor();
      await page.locator('.figure svg[aria-label^="Workers ready: now 3"]').waitFor(); // from the numbers of a sample

      served.running.kill('SIGHUP');
      await happened(page, 'reload');
      await happened(page, 'reloaded');
      await page.locator('#facts', { hasText: 'generation 1 for' }).waitFor();
      await state(page, 'Serving');

      await served.ask('/crash').catch(() => {});
      await happened(page, 'crash');
      await state(page, 'Serving');

      const request = served.ask('/hang').catch(() => 'cut');
      const hung = page.locator('#rows tr', { hasText: /blocked for/ });
      await hung.waitFor();
      await state(page, '2 of 3 workers serving');
      process.kill(Number(await hung.getAttribute('data-pid')), 'SIGKILL');
      await happened(page, 'killed');
      await state(page, 'Serving');
      expect(await request).toBe('cut');

      const list = page.locator('#latest li');
      const told = await list.evaluateAll((items) =>
        items.map((item) => (item as never as Item).dataset.what),
      );
      expect(told).toEqual(['killed', 'crash', 'reloaded', 'reload', 'added']);
      const times = await list
        .locator('time')
        .evaluateAll((all) => all.map((each) => each.getAttribute('datetime')));
      const instants = times.map((each) => Date.parse(each ?? ''));
      expect([...instants].sort((one, other) => other - one)).toEqual(instants);
      expect(instants.at(-1)).toBeGreaterThanOrEqual(began);
      // In every plot, those from before the reload included: the history is handed on.
      const marks = await page
        .locator('.figure')
        .first()
        .locator('.mark')
        .evaluateAll((all) => all.map((each) => each.getAttribute('data-what')));
      expect(marks).toEqual([...told].reverse());
      expect(complaints).toEqual([]);
      expect(await served.stop()).toBe('status 0');
      await state(page, 'No connection');
    });

    test.each([
      ['light', { colorScheme: 'light' as const }],
      ['dark', { colorScheme: 'dark' as const }],
      ['on a phone', { colorScheme: 'dark' as const, viewport: { width: 390, height: 844 }, isMobile: true }],
    ])('it can be read by everybody: %s.', async (_, view) => {
      const { served, page, complaints } = await open([], view);
      await served.ask('/broken');
      await served.ask('/crash').catch(() => {});
      await happened(page, 'crash');
      await state(page, 'Serving');
      // By the debugger, for which the page's own policy does not count. https://github.com/dequelabs/axe-core
      await page.evaluate(readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8'));
      const { violations } = (await page.evaluate('axe.run()')) as {
        violations: { id: string; nodes: unknown[] }[];
      };
      expect(violations.map(({ id, nodes }) => [id, JSON.stringify(nodes)])).toEqual([]);
      const widths = 'document.documentElement.scrollWidth <= document.documentElement.clientWidth';
      expect(await page.evaluate(widths)).toBe(true);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).toBe('workers');
      expect(complaints).toEqual([]);
      expect(await served.stop()).toBe('status 0');
    });
  },
);

const { SCREENSHOTS } = process.env as { SCREENSHOTS?: string };

/** `SCREENSHOTS=10 npx vitest run page.test`: of a service under changing load, after so many minutes. */
test.runIf(SCREENSHOTS !== undefined)(
  'The pictures of docs/operating.md.',
  async () => {
    const minutes = Number(SCREENSHOTS);
    const app = `
      const busy = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };
      require('node:http').createServer((request, response) => {
        if (request.url === '/crash') process.exit(3);
        busy(Math.random() * 4);
        setTimeout(() => {
          response.statusCode = Math.random() < 0.004 ? 500 : 200;
          response.end();
        }, Math.random() * 30);
      }).listen(0, '127.0.0.1');`;
    const folder = { 'server.js': app, 'package.json': '{ "name": "shop", "version": "1.4.2" }' };
    const served = await serve(['server.js', '-w', '4', '--status', '127.0.0.1:0'], {
      files: folder,
      until: /4 workers ready/,
      deadman: (minutes + 2) * 60_000,
    });
    const [, address] = /The status is served on (\S+)/.exec(served.log) ?? [];
    const began = Date.now();
    const happens: [number, () => unknown][] = [
      [0.3, () => served.running.kill('SIGHUP')],
      [0.55, () => served.ask('/crash').catch(() => {})],
      [0.7, () => served.running.kill('SIGTTIN')],
      [0.72, () => served.running.kill('SIGTTIN')],
      [0.92, () => process.kill(served.running.workers()[1] ?? 0, 'SIGKILL')],
    ];
    const shareOfTime = () => (Date.now() - began) / minutes / 60_000;
    let isOver = false;
    const driving = (async () => {
      while (!isOver) {
        const share = shareOfTime();
        while (share >= (happens[0]?.[0] ?? 2)) happens.shift()?.[1]();
        const load = 12 + 8 * Math.sin(share * 9) + 6 * Math.sin(share * 31) + 3 * Math.random();
        await Promise.all(Array.from({ length: Math.round(load) }, () => served.ask().catch(() => {})));
        await setTimeout(100);
      }
    })();
    while (shareOfTime() < 1) await setTimeout(1000);
    const browser = await openChromium(DEADLINE);
    for (const [name, colorScheme, width, height] of PICTURES) {
      const page = await browser.newPage({
        colorScheme,
        viewport: { width, height },
        deviceScaleFactor: 2,
        isMobile: width < 500,
      });
      await page.goto(`http://${address}/`);
      await state(page, 'Serving');
      await setTimeout(3000);
      await page.screenshot({
        path: join(ROOT, 'docs', 'pictures', `status-${name}.png`),
        fullPage: width > 500,
      });
    }
    isOver = true;
    await driving;
    expect(await served.stop()).toBe('status 0');
  },
  40 * 60_000,
);

const PICTURES = [
  ['light', 'light', 1200, 900],
  ['dark', 'dark', 1200, 900],
  ['phone', 'dark', 390, 844],
] as const;

interface Item {
  dataset: { what?: string };
}
