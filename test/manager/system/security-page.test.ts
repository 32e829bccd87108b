import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../helpers/stdin';

const page = readFileSync(join(ROOT, 'docs', 'security.md'), 'utf8');
const named = [...page.matchAll(/`(test\/[\w/.-]+)`:\s+"([^"]+)"/g)];

test('docs/security.md names a test with each guarantee, and each is there.', () => {
  const guarantees = page.slice(page.indexOf('## Files')).match(/^- /gm) ?? [];
  expect(named.length).toBeGreaterThanOrEqual(guarantees.length);
  for (const [, file = '', title = ''] of named) {
    const source = readFileSync(join(ROOT, file), 'utf8');
    expect(source, file).toContain(title.replaceAll(/\s+/g, ' '));
  }
});
