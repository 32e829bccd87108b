// The rooms of lib/ and native/, and which of them may know which: `npm run lint` runs this.
//
// A file may use its own room and those on the floors below it, nothing above it and nothing beside it. One list for
// TypeScript's imports and C++'s #include, since no tool was found that reads both.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** From the ground floor up. What stands in one line is on one floor. A door is a file of lib/ that users import. */
const FLOORS = [
  ['lib/base'],
  ['lib/log', 'lib/shared', 'lib/sockets', 'lib/wait'],
  ['lib/fork/random', 'lib/posix'],
  ['lib/fork'],
  ['lib/os.ts', 'lib/netutil.ts', 'lib/servers', 'lib/parallel', 'lib/multiprocessing'],
  ['lib/warmup/arrange-memory.ts', 'lib/warmup/gather-heap.ts'],
  ['lib/parallel.ts', 'lib/multiprocessing.ts', 'lib/diagnostics', 'lib/testing'],
  ['lib/diagnostics.ts', 'lib/jest', 'lib/node-test', 'lib/vitest'],
  ['lib/jest.ts', 'lib/test.ts', 'lib/vitest.ts', 'lib/vitest/inside'],
  ['lib/warmup'],
  ['lib/process.ts'],
  ['lib/tcpserver.ts'],
  ['lib/httpserver.ts'],
  ['lib/manager/log-events.ts'],
  ['lib/manager/settings.ts', 'lib/manager/answers.ts'],
  [
    'lib/manager/policy',
    'lib/manager/scoreboard.ts',
    'lib/manager/questions.ts',
    'lib/manager/config.ts',
    'lib/manager/oom.ts',
  ],
  ['lib/manager/channel', 'lib/manager/system', 'lib/manager/bells.ts', 'lib/manager/rings.ts'],
  [
    'lib/manager/listening',
    'lib/manager/place.ts',
    'lib/manager/rules.ts',
    'lib/manager/shown',
    'lib/manager/app-metrics',
    'lib/manager/standing.ts',
  ],
  ['lib/manager/log-files.ts'],
  ['lib/manager/worker'],
  ['lib/manager/attendant', 'lib/manager/manager', 'lib/manager/template'],
  ['lib/manager/begin.ts'],
  ['lib/log.ts', 'lib/metrics.ts', 'lib/opentelemetry.ts', 'lib/manager/index.ts'],
  ['lib/index.ts', 'lib/cli/settings'],
  ['lib/cli'],
  ['lib/auto.mts'],

  ['native/posix'],
  ['native/fork', 'native/loop', 'native/runtime'],
  ['native/v8'],
  ['native/binding'],
  ['native/addon.cc'],
];

/** What only some may use: the addon, and the headers that bind code to Node, V8 or libuv. */
const KEPT = [
  {
    what: /^node-gyp-build$|\.node$|^dlopen$/,
    by: /^lib\/base\/binding\.ts$/,
    why: 'base/binding.ts alone loads the addon',
  },
  {
    what: /^(napi|node_api|js_native_api)(_types)?\.h$|^node-addon-api/,
    by: /^native\/(binding\/|addon\.cc$)/,
    why: 'native/binding alone knows Node-API',
  },
  {
    what: /^uv(\/.*)?\.h$/,
    by: /^native\/(binding|loop)\//,
    why: 'native/loop and binding alone know libuv',
  },
  {
    what: /^(v8(-[\w-]+)?|node|node_(?!api)\w+|env)\.h$/,
    by: /^$/,
    why: "V8's and Node's own headers are another in each version",
  },
];

/** Only types come from elsewhere: they are gone at run time, when the policy is a function of its arguments alone. */
const PURE = 'lib/manager/policy';

const COMMENTS = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
const IMPORTS =
  /(?:\bimport|\bexport)\s+(type\s)?[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*['"]([^'"]+)['"]|\b(typeof\s+)?(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)|\(\s*['"](\.[^'"]+)['"]\s*\)\s*as\s+typeof/g;
/** Ways to an addon that are no imports: a path for whatever `require` is called here, and the call beneath it. */
const ADDONS = /['"`]([^'"`\s]+\.node)['"`]|\b(dlopen)\(/g;
const INCLUDES = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm;

/** What a file uses: names as they are written, and whether only types are meant. */
function usesOf(path, text) {
  if (path.startsWith('native/'))
    return [...text.matchAll(INCLUDES)].map(([, name]) => ({ name, type: false }));
  const code = text.replace(COMMENTS, '');
  const addons = [...code.matchAll(ADDONS)].map(([, path, call]) => ({ name: path ?? call, type: false }));
  const imports = [...code.matchAll(IMPORTS)].map(([, type, from, bare, typeOf, called, cast]) => ({
    name: from ?? bare ?? called ?? cast,
    type: type !== undefined || typeOf !== undefined,
  }));
  return [...imports, ...addons];
}

/** The file of ours that a name stands for; undefined for everything else. */
function resolve(path, name, files) {
  if (path.startsWith('native/')) return files.has(`native/${name}`) ? `native/${name}` : undefined;
  if (!name.startsWith('.')) return undefined;
  const base = posix.join(posix.dirname(path), name).replace(/\.m?js$/, '');
  return [`${base}.ts`, `${base}.mts`, `${base}.d.ts`, `${base}/index.ts`].find((each) => files.has(each));
}

/** The innermost room that a file is in, with its floor. */
function roomOf(path) {
  return FLOORS.flatMap((rooms, floor) => rooms.map((name) => ({ name, floor })))
    .filter(({ name }) => path === name || path.startsWith(`${name}/`))
    .sort((one, other) => other.name.length - one.name.length)[0];
}

function complaintAbout({ from, to, type }) {
  const [room, used] = [roomOf(from), roomOf(to)];
  if (room === undefined || used === undefined) return undefined;
  if (room.name === PURE && used.name !== PURE) {
    return type
      ? undefined
      : `${from} uses ${to}: ${PURE} is pure, and takes nothing but types from elsewhere`;
  }
  if (room.name === used.name || used.floor < room.floor) return undefined;
  const where = used.floor === room.floor ? 'stands beside it' : 'stands above it';
  return `${from} uses ${to}: ${room.name} must not know ${used.name}, which ${where}`;
}

/** A header and what it declares are one thing: a circle through both is none. */
function partOf(path) {
  return path.replace(/\.(cc|h)$/, '');
}

/** Each circle once, from its first file in the order of names. */
function circlesOf(arrows) {
  const graph = new Map();
  for (const { from, to } of arrows) {
    if (partOf(from) !== partOf(to))
      graph.set(partOf(from), (graph.get(partOf(from)) ?? new Set()).add(partOf(to)));
  }
  const circles = new Set();
  const done = new Set();
  const walk = (at, trail) => {
    if (trail.includes(at)) {
      const circle = trail.slice(trail.indexOf(at));
      const first = circle.indexOf([...circle].sort()[0]);
      circles.add([...circle.slice(first), ...circle.slice(0, first + 1)].join(' -> '));
      return;
    }
    if (done.has(at)) return;
    for (const next of graph.get(at) ?? []) walk(next, [...trail, at]);
    done.add(at);
  };
  for (const start of [...graph.keys()].sort()) walk(start, []);
  return [...circles].map((circle) => `circle: ${circle}`);
}

/** What is wrong with these files (path to text), one sentence each. */
export function complaints(files) {
  const uses = [...files].flatMap(([from, text]) => usesOf(from, text).map((use) => ({ from, ...use })));
  const arrows = uses.flatMap(({ from, name, type }) => {
    const to = resolve(from, name, files);
    return to === undefined ? [] : [{ from, to, type }];
  });
  const kept = uses.flatMap(({ from, name }) =>
    KEPT.filter(({ what, by }) => what.test(name) && !by.test(from)).map(
      ({ why }) => `${from} uses ${name}: ${why}`,
    ),
  );
  const homeless = [...files.keys()]
    .filter((path) => roomOf(path) === undefined)
    .map((path) => `${path}: it is in no room that tools/rooms.mjs knows`);
  const wrong = arrows.map(complaintAbout).filter((each) => each !== undefined);
  return [...new Set([...homeless, ...kept, ...wrong, ...circlesOf(arrows)])].sort();
}

/** The sources of lib/ and native/ as they are. */
export function sources() {
  const names = ['lib', 'native'].flatMap((house) =>
    readdirSync(join(ROOT, house), { recursive: true }).map((name) => `${house}/${name}`),
  );
  return new Map(
    names
      .filter((name) => /\.(m?ts|cc|h)$/.test(name))
      .sort()
      .map((name) => [name, readFileSync(join(ROOT, name), 'utf8')]),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = complaints(sources());
  for (const each of wrong) console.error(each);
  if (wrong.length > 0) {
    console.error(
      `\n${wrong.length} of the arrows between files are wrong; which are right is said in tools/rooms.mjs`,
    );
    process.exitCode = 1;
  }
}
