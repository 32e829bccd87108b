import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
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
