/** Links between the pages that people read: each leads to a file, and to a heading of it, that exists. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../helpers/stdin';

const GUIDES = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const PAGES = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'CHANGELOG.md', ...GUIDES];

const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** Targets inside the repository, as they are written. */
function linksOf(page: string): string[] {
  const targets = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchor that GitHub makes of each heading. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function isBroken(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
  if (!existsSync(file)) return true;
  return anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).includes(anchor);
}

test.each(PAGES)('%s: every link leads somewhere.', (page) => {
  expect(linksOf(page).filter((target) => isBroken(page, target))).toEqual([]);
});

test('docs/README.md leads to every page of docs/, and README.md to docs/README.md.', () => {
  const linked = linksOf('docs/README.md').map((target) => relative(ROOT, resolve(ROOT, 'docs', target)));
  expect(GUIDES.filter((page) => page !== 'docs/README.md' && !linked.includes(page))).toEqual([]);
  expect(linksOf('README.md')).toContain('docs/README.md');
});
