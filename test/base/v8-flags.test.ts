/** A flag that V8 does not have is left out, and the terminal hears nothing of it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { program } from '../helpers/command';

const DIST = join(__dirname, '..', '..', 'dist');

/** What a program prints that calls warmup(), on a V8 that nobody knows, whose `--v8-options` prints `options`. */
async function onUnknownV8(
  options: string,
  source: string,
): Promise<{ status: number | null; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const asked = join(folder, 'node');
  writeFileSync(
    asked,
    `#!/bin/sh\n[ "$*" = --v8-options ] || exit 1\nprintf asked >> '${folder}/asked'\n${options}\n`,
  );
  chmodSync(asked, 0o755);
  const application = `
    Object.defineProperty(process, 'versions', { value: { ...process.versions, v8: '99.1.2' } });
    const { execPath } = process;
    process.execPath = ${JSON.stringify(asked)};
    const v8 = require('node:v8');
    const { setFlagsFromString } = v8;
    v8.setFlagsFromString = (flag) => {
      console.log(flag);
      setFlagsFromString(flag);
    };
    const { warmup } = require(${JSON.stringify(DIST)});
    warmup({ smallYoungGeneration: true });
    warmup();
    ${source}
    console.log(require('node:fs').readFileSync('${folder}/asked', 'utf8'));`;
  const { status, stdout, stderr } = await program(process.execPath, ['-e', application], {}).result;
  return { status, output: stdout + stderr };
}

test('Of a V8 that is not known its Node is asked, once, and what it has is set.', async () => {
  const { status, output } = await onUnknownV8(`exec '${process.execPath}' --v8-options`, '');
  expect(status).toBe(0);
  expect(output).toMatch(/^--expose-gc\n/m);
  expect(output).toMatch(/^--no-flush-bytecode\n/m);
  expect(output).toMatch(/^--semi-space-growth-factor=1\n/m);
  expect(output).toMatch(/asked\n$/);
  expect(output).not.toMatch(/askedasked|unrecognized/);
});

test('On a V8 without any of the flags warmup() sets none, and does what else it can.', async () => {
  const { status, output } = await onUnknownV8('exit 0', '');
  expect({ status, output }).toEqual({ status: 0, output: 'asked\n' });
});

test('Where it cannot be asked, it has none.', async () => {
  const { status, output } = await onUnknownV8('exit 1', '');
  expect({ status, output }).toEqual({ status: 0, output: 'asked\n' });
});
