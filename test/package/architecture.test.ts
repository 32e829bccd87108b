/** ARCHITECTURE.md draws the tree. What it draws must be there, and what is there must be drawn. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(__dirname, '..', '..');

/** Drawn file by file; of the other folders only those are compared that are drawn. */
const WHOLE = ['lib', 'native'];

interface Line {
  depth: number;
  /** What stands before the first wide gap: names of files, and of folders with a slash. */
  names: string[];
}

function drawnLines(): Line[] {
  const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
  const [, section = ''] = /^## The tree\n([\s\S]*?)^## /m.exec(text) ?? [];
  return section
    .split('\n')
    .filter((line) => line.startsWith('    '))
    .map((line) => {
      const [, indent = '', names = ''] = /^ {4}( *)(\S+(?: \S+)*)/.exec(line) ?? [];
      return { depth: indent.length / 2, names: names.split(' ') };
    });
}

/** Paths, folders with a slash at their end. A folder that has lines below it stands alone in its own. */
function drawn(): string[] {
  const trail: string[] = [];
  return drawnLines().flatMap(({ depth, names }) => {
    const folder = trail.slice(0, depth).join('');
    const [first = ''] = names;
    if (first.endsWith('/')) trail.splice(depth, Number.POSITIVE_INFINITY, first);
    // What follows a folder's name in its line begins its description, unless it is a folder, too.
    const listed = first.endsWith('/') ? names.filter((name) => name.endsWith('/')) : names;
    return listed.map((name) => folder + name);
  });
}

/** A source and its header are one name. */
function present(folder: string): string[] {
  const paths = readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? [`${path}/`, ...present(path)] : [path.replace(/(\.d)?\.\w+$/, '')];
  });
  return [...new Set(paths)];
}

test.each(WHOLE)('The tree of %s/ is drawn as it is, folder by folder and file by file.', (house) => {
  const inTree = drawn().filter((path) => path.startsWith(`${house}/`) && path !== `${house}/`);
  const inFact = present(house);
  const missing = inFact.filter((path) => !inTree.includes(path));
  const gone = inTree.filter((path) => !inFact.includes(path));
  expect({ 'not drawn in ARCHITECTURE.md': missing, 'drawn, and not there': gone }).toEqual({
    'not drawn in ARCHITECTURE.md': [],
    'drawn, and not there': [],
  });
  expect(inTree).toHaveLength(new Set(inTree).size);
});

test('The other folders that are drawn are there, and every folder of test/ is drawn.', () => {
  const folders = drawn().filter(
    (path) => path.endsWith('/') && !WHOLE.some((each) => path.startsWith(each)),
  );
  const isThere = (path: string) => {
    const [parent, name] = [join(ROOT, path, '..'), path.split('/').at(-2)];
    return readdirSync(parent, { withFileTypes: true }).some(
      (entry) => entry.isDirectory() && entry.name === name,
    );
  };
  expect(folders.filter((path) => !isThere(path))).toEqual([]);
  const tests = readdirSync(join(ROOT, 'test'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(tests.map(({ name }) => `test/${name}/`).filter((path) => !folders.includes(path))).toEqual([]);
});
