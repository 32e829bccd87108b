import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BENCH = join(dirname(fileURLToPath(import.meta.url)), '..');
export const ROOT = join(BENCH, '..');
export const PROGRAMS = join(BENCH, 'programs');
export const BUILD = join(BENCH, 'build');
