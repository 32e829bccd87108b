/** `prefork init` and `prefork completion`: what they write, and where to. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { print } from '../../base/blocking-write';
import { preforkError } from '../../base/errors';
import type { PlaceToRun, Shell, Writing } from '../settings/writings';
import { forBash } from './bash';
import { forDocker } from './docker';
import { forFish } from './fish';
import { forKubernetes } from './kubernetes';
import { type CompletedCommand, commandsOf } from './lines';
import { type Subject, subjectIn } from './subject';
import { forSystemd } from './systemd';
import { forZsh } from './zsh';

const COMPLETIONS: Record<Shell, (commands: CompletedCommand[]) => string> = {
  bash: forBash,
  zsh: forZsh,
  fish: forFish,
};

const FILES: Record<PlaceToRun, (subject: Subject) => Record<string, string>> = {
  systemd: forSystemd,
  docker: forDocker,
  kubernetes: forKubernetes,
};

/** @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: it cannot tell what to write, or a file of that name exists */
export function write(writing: Writing): void {
  if (writing.command === 'completion') print(COMPLETIONS[writing.shell](commandsOf(writing.program)));
  else writeFiles(process.cwd(), writing);
}

/** All or none. */
function writeFiles(folder: string, writing: Writing & { command: 'init' }): void {
  const files = FILES[writing.place](subjectIn(folder, writing));
  const existing = Object.keys(files).filter((name) => existsSync(join(folder, name)));
  if (existing.length > 0 && !writing.force) {
    const which = existing.join(' and ');
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      `${which} ${existing.length === 1 ? 'exists' : 'exist'}: remove it, or replace it with --force`,
    );
  }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { flag: writing.force ? 'w' : 'wx' });
  }
  print(`Wrote ${Object.keys(files).join(' and ')}: each line says what it is for\n`);
}
