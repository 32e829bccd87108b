/** Attacks by another user, for tests that run as root. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Program } from './run';

export const isRoot = process.getuid?.() === 0;

/** Debian's `nobody` and `nogroup`. */
export const NOBODY = 65534;

/** A folder of root's that everybody may enter, gone when the test is over, and in it one of nobody's. */
export function sharedFolder(): { folder: string; theirs: string } {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  return { folder, theirs: folderOf(NOBODY, join(folder, 'theirs')) };
}

export function folderOf(user: number, path: string): string {
  mkdirSync(path);
  chownSync(path, user, user);
  return path;
}

/** Runs JavaScript as nobody; `fs` and `args` are there. It is killed when the test is over. */
export function asNobody(script: string, ...args: string[]): Program {
  const drop = 'process.setgroups([]); process.setgid(65534); process.setuid(65534);';
  const prelude = "const fs = require('node:fs'); const args = process.argv.slice(1);";
  const program = new Program(process.execPath, ['-e', `${drop} ${prelude} ${script}`, ...args]);
  onTestFinished(() => program.killGroup());
  return program;
}

/** The same, until it has ended. */
export async function doneByNobody(script: string, ...args: string[]): Promise<void> {
  const { status, stderr } = await asNobody(script, ...args).result;
  if (status !== 0) throw new Error(`nobody could not: ${stderr}`);
}
