import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { isInstalled } from './installed';
import { Program } from './run';

/** Debian's package of that name. */
const CHROMIUM = '/usr/bin/chromium';

export const hasChromium = isInstalled(CHROMIUM);

/** Nothing of its process group outlives the test. */
export async function openChromium(deadman = 100_000): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'prefork-chromium-'));
  const running = new Program(CHROMIUM, [...FLAGS, `--user-data-dir=${profile}`], { deadman });
  onTestFinished(async () => {
    running.killGroup();
    await running.exit().catch(() => {});
    rmSync(profile, { recursive: true, force: true });
  });
  await running.until(/DevTools listening on ws:\S+/);
  const [, address = ''] = /DevTools listening on (ws:\S+)/.exec(running.stderr) ?? [];
  return chromium.connectOverCDP(address, { timeout: 0 }); // its deadman is enough
}

/** Milliseconds. */
const PATIENCE = 60_000;
const BROWSERS = 3;

async function newPage(view: BrowserContextOptions, deadman: number): Promise<Page> {
  const browser = await openChromium(deadman);
  const context = await browser.newContext(view);
  context.setDefaultTimeout(0); // the deadman of the browser is enough
  return context.newPage();
}

/**
 * In a browser of its own. One that is driven from outside may leave its first page without an address, and its driver
 * without an answer, for good. That has nothing to do with what is to be tested, which has not been asked for anything yet:
 * so another one is started.
 */
export async function openPage(view: BrowserContextOptions, deadman: number): Promise<Page> {
  for (let i = 0; i < BROWSERS; i++) {
    const page = await Promise.race([newPage(view, deadman), setTimeout(PATIENCE, null, { ref: false })]);
    if (page !== null) return page;
  }
  throw new Error(`${BROWSERS} browsers opened no page within ${PATIENCE} ms each`);
}

const FLAGS = [
  '--headless',
  '--remote-debugging-port=0',
  '--no-sandbox', // as root it has none
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-extensions',
];
