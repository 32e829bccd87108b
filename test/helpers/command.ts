import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Program, type RunOptions } from './run';
import { ROOT } from './stdin';

export const COMMAND = join(ROOT, 'dist', 'cli', 'main.js');

export type Files = Record<string, string>;

/** A folder with these files, gone when the test is over; packages are found in it as in this one. */
export function folderWith(files: Files, { packages = true }: { packages?: boolean } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  if (packages) symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Runs `prefork args…` in a folder; nothing of its process group outlives the test. */
export function prefork(folder: string, args: string[], options: RunOptions = {}): Program {
  return program(process.execPath, [COMMAND, ...args], { ...options, cwd: folder });
}

export function program(command: string, args: string[], options: RunOptions): Program {
  const running = new Program(command, args, options);
  onTestFinished(() => running.killGroup());
  return running;
}
