/** The files of the page, which browsers get as they are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface File {
  status: number;
  type: string;
  text: string;
}

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
} as const;

/** Nothing but what comes from here, and no code in the page itself: names and addresses are texts, whatever they hold. */
export const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** By path. Read at once: a deploy may put others in their place. */
export function readPage(): Map<string, File> {
  return new Map(
    Object.entries(TYPES).map(([name, type]) => [
      name === 'index.html' ? '/' : `/${name}`,
      fileOf(name, type),
    ]),
  );
}

/** The user of the workers may have no right to read this package. Everything else is served all the same. */
function fileOf(name: string, type: string): File {
  try {
    return { status: 200, type, text: readFileSync(join(__dirname, 'page', name), 'utf8') };
  } catch (error) {
    return { status: 500, type: 'text/plain; charset=utf-8', text: `${String(error)}\n` };
  }
}
