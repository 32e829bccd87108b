/** What a user gets: the packed package, installed into an empty project and used from there. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { here, prebuilds, testPrebuilds } from '../helpers/prebuilds';

const ROOT = join(__dirname, '..', '..');
const MODULES = join(ROOT, 'node_modules');
const TIMEOUT = 300_000;

/** Somewhat above today's size, with all four binaries: if you exceed it, look at what grew. */
const LARGEST_TARBALL = 1_950_000;
const LARGEST_BINARY = 430_000;

/** What browsers get as it is (lib/manager/attendant/page-files.ts). */
const PAGE = /^(lib|dist)\/manager\/attendant\/page\/(index\.html|page\.css|page\.js)$/;

const work = mkdtempSync(join(tmpdir(), 'prefork-test-'));
afterAll(() => rmSync(work, { recursive: true }));

interface Packed {
  filename: string;
  size: number;
  files: { path: string }[];
}

/** Environment in which no compiler can be found, nor anything else but what npm itself needs. */
function withoutCompiler(): NodeJS.ProcessEnv {
  const bin = join(work, 'bin');
  mkdirSync(bin, { recursive: true });
  const npm = execFileSync('sh', ['-c', 'readlink -f "$(command -v npm)"'], { encoding: 'utf8' }).trim();
  const programs = { node: process.execPath, npm, sh: '/bin/sh' };
  for (const [name, target] of Object.entries(programs)) {
    if (!existsSync(join(bin, name))) symlinkSync(target, join(bin, name));
  }
  const none = '/nonexistent';
  return {
    ...process.env,
    PATH: bin,
    CC: none,
    CXX: none,
    PYTHON: none,
    MAKE: none,
    npm_config_python: none,
  };
}

/**
 * The tarball, from a folder beside the working tree, whose own prebuilds/ may be of another day: there the one binary
 * of this machine stands for those of the release, unless these are what is tested.
 */
function pack(): Packed & { path: string } {
  const stage = join(work, 'stage');
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
  const names = files.map((name) => name.split('/')[0] ?? name).filter((name) => name !== 'prebuilds');
  for (const name of ['package.json', 'README.md', 'LICENSE', ...names])
    cpSync(join(ROOT, name), join(stage, name), { recursive: true });
  if (testPrebuilds) {
    cpSync(join(ROOT, 'prebuilds'), join(stage, 'prebuilds'), { recursive: true });
  } else {
    const folder = join(stage, 'prebuilds', `linux-${here.arch}`);
    mkdirSync(folder, { recursive: true });
    cpSync(here.file, join(folder, 'prefork.glibc.node'));
  }
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', work];
  const [packed] = JSON.parse(
    execFileSync('npm', args, { cwd: stage, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
  ) as [Packed];
  return { ...packed, path: join(work, packed.filename) };
}

/** An empty project with the package in it. What npm has cached at `npm ci` it need not fetch again. */
function project(name: string, tarball: string, flags: string[], env: NodeJS.ProcessEnv): string {
  const folder = join(work, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--foreground-scripts', ...flags];
  execFileSync('npm', [...args, tarball], { cwd: folder, env, stdio: 'pipe' });
  return folder;
}

function write(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Tools of this repository, as if the project had installed them. */
function lend(folder: string, names: string[]): void {
  for (const name of names) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    if (!existsSync(link)) symlinkSync(join(MODULES, name), link);
  }
}

function node(folder: string, args: string[], env: NodeJS.ProcessEnv = process.env): string {
  return execFileSync(process.execPath, args, {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: TIMEOUT / 2,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Which addon a process has loaded. */
const WHICH = `require('node:fs').readFileSync('/proc/self/maps', 'utf8').match(/[^ ]*prefork\\S*\\.node$/m)[0]`;

const PROGRAM = `
  const pid = fork();
  if (pid === 0) _exit(7);
  console.log(waitpid(pid)[0] === pid, waitstatusToExitcode(7 << 8));
`;
const NAMES = '_exit, fork, waitpid, waitstatusToExitcode';
const PRINTED = 'true 7\n';

let packed: ReturnType<typeof pack>;
beforeAll(() => {
  packed = pack();
}, TIMEOUT);

describe('The tarball', () => {
  it('holds the modules, their sources and maps, the addon and its sources, and nothing else.', () => {
    const allowed = [
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|binding\.gyp)$/,
      /^lib\/[\w/-]+(\.d)?\.m?ts$/,
      /^dist\/[\w/-]+(\.m?js|\.d\.m?ts)(\.map)?$/,
      /^native\/([\w/-]+\.(cc|h)|exports\.map)$/,
      /^prebuilds\/linux-(x64|arm64)\/prefork\.(glibc|musl)\.node$/,
      PAGE,
    ];
    const paths = packed.files.map(({ path }) => path);
    expect(paths.filter((path) => !allowed.some((pattern) => pattern.test(path)))).toEqual([]);

    const built = paths.flatMap((path) => {
      const [, name, m] = /^lib\/(.*)(?<!\.d)\.(m?)ts$/.exec(path) ?? [];
      if (name === undefined) return [];
      return [`.${m}js`, `.${m}js.map`, `.d.${m}ts`, `.d.${m}ts.map`].map(
        (suffix) => `dist/${name}${suffix}`,
      );
    });
    const page = paths.filter((path) => path.startsWith('lib/') && PAGE.test(path));
    expect(page).toHaveLength(3);
    built.push(...page.map((path) => path.replace('lib/', 'dist/')));
    expect(paths.filter((path) => path.startsWith('dist/')).sort()).toEqual(built.sort());
    for (const source of readFileSync(join(ROOT, 'binding.gyp'), 'utf8').match(/native\/[\w/]+\.cc/g) ?? [])
      expect(paths).toContain(source);
  });

  it('has maps that lead to the sources in it.', () => {
    const paths = new Set(packed.files.map(({ path }) => path));
    for (const path of paths) {
      if (!path.endsWith('.map') || path.startsWith('native/')) continue;
      const map = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as { sources: string[] };
      for (const source of map.sources) expect(paths, path).toContain(join(dirname(path), source));
    }
  });

  it('is not larger than one would think.', () => {
    for (const { file } of testPrebuilds ? prebuilds : [here])
      expect(statSync(file).size).toBeLessThan(LARGEST_BINARY);
    expect(packed.size).toBeLessThan(LARGEST_TARBALL);
  });

  it('pleases publint.', async () => {
    const { publint } = await import('publint');
    const { formatMessage } = await import('publint/utils');
    const tarball = new Uint8Array(readFileSync(packed.path)).buffer;
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it('has types for every way of importing it (attw).', { timeout: TIMEOUT }, () => {
    const attw = join(MODULES, '@arethetypeswrong', 'cli', 'dist', 'index.js');
    // What `node --import prefork/auto` loads is a module that exports nothing.
    const options = ['--exclude-entrypoints', 'auto', '--format', 'json'];
    const { analysis, problems } = JSON.parse(node(work, [attw, ...options, packed.path])) as {
      analysis: { entrypoints: Record<string, unknown> };
      problems: Record<string, unknown>;
    };
    expect(problems).toEqual({});
    expect(Object.keys(analysis.entrypoints)).toContain('./tcpserver');
  });
});

describe('Installed where there is no compiler', () => {
  let folder: string;
  beforeAll(() => {
    folder = project('installed', packed.path, [], withoutCompiler());
  }, TIMEOUT);

  it('it compiles nothing, and forks with the binary that came with it.', () => {
    const installed = join(folder, 'node_modules', 'prefork');
    expect(existsSync(join(installed, 'build'))).toBe(false);
    const program = `const { ${NAMES} } = require('prefork'); ${PROGRAM} console.log(${WHICH});`;
    const binary = join(installed, 'prebuilds', `linux-${here.arch}`, 'prefork.glibc.node');
    expect(node(folder, ['-e', program])).toBe(`${PRINTED}${binary}\n`);
  });

  if (testPrebuilds)
    it.each(prebuilds)('it has the right binary: $name', ({ arch, libc }) => {
      const program = `console.log(require('node-gyp-build').resolve('node_modules/prefork'))`;
      const env = { ...process.env, npm_config_arch: arch, LIBC: libc };
      expect(node(folder, ['-e', program], env)).toBe(
        `${join(folder, 'node_modules/prefork/prebuilds', `linux-${arch}`, `prefork.${libc}.node`)}\n`,
      );
    });

  it('it is used from JavaScript, as CommonJS and as a module.', () => {
    write(folder, {
      'program.cjs': `const { ${NAMES} } = require('prefork'); ${PROGRAM}`,
      'program.mjs': `import { ${NAMES} } from 'prefork'; ${PROGRAM}`,
    });
    expect(node(folder, ['program.cjs'])).toBe(PRINTED);
    expect(node(folder, ['program.mjs'])).toBe(PRINTED);
  });

  it.each(['node16', 'nodenext'])(
    'it is used from TypeScript, as CommonJS and as a module (%s).',
    (module) => {
      const typed = `
      import { type ForkOptions, ${NAMES} } from 'prefork';
      import { waitpidAsync } from 'prefork/os';
      const options: ForkOptions = {};
      export const later: Promise<readonly [number, number]> | undefined = false ? waitpidAsync(1) : undefined;
      // @ts-expect-error the options are an object
      if (false) fork(1);
    ${PROGRAM.replace('fork()', 'fork(options)')}`;
      const compilerOptions = {
        module,
        target: 'es2022',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmitOnError: true,
        types: ['node'],
        rootDir: '.',
        outDir: `out-${module}`,
      };
      lend(folder, ['@types/node', 'undici-types']);
      write(folder, {
        'typed/commonjs.cts': typed,
        'typed/module.mts': typed,
        'tsconfig.json': JSON.stringify({ compilerOptions, include: ['typed'] }),
      });
      node(folder, [join(MODULES, 'typescript', 'bin', 'tsc'), '-p', '.']);
      expect(node(folder, [`out-${module}/typed/commonjs.cjs`])).toBe(PRINTED);
      expect(node(folder, [`out-${module}/typed/module.mjs`])).toBe(PRINTED);
    },
  );

  it('it is used in Jest.', { timeout: TIMEOUT }, () => {
    write(folder, {
      'jest/fork.test.js': `
        const { ${NAMES} } = require('prefork');
        test('forks', () => {
          const pid = fork();
          if (pid === 0) _exit(7);
          expect(waitpid(pid)).toEqual([pid, 7 << 8]);
        });`,
      'jest/package.json': '{ "jest": { "testEnvironment": "node" } }',
    });
    const jest = join(MODULES, 'jest', 'bin', 'jest.js');
    const report = node(join(folder, 'jest'), [jest, '--runInBand', '--json', '--watchman=false']);
    expect(JSON.parse(report)).toMatchObject({ success: true, numPassedTests: 1 });
  });

  it.each(['forks', 'threads'])('it is used in vitest (%s).', { timeout: TIMEOUT }, (pool) => {
    lend(folder, ['vitest']);
    write(folder, {
      'vitest/fork.test.mjs': `
        import { ${NAMES} } from 'prefork';
        import { expect, test } from 'vitest';
        test('forks', () => {
          const pid = fork();
          if (pid === 0) _exit(7);
          expect(waitpid(pid)).toEqual([pid, 7 << 8]);
        });`,
    });
    const vitest = join(MODULES, 'vitest', 'vitest.mjs');
    const args = ['run', '--root', join(folder, 'vitest'), '--reporter', 'json', '--pool', pool];
    const env = { ...process.env };
    for (const name of Object.keys(env)) if (/^(VITEST|TEST)/.test(name)) delete env[name];
    const report = node(folder, [vitest, ...args], env);
    expect(JSON.parse(report)).toMatchObject({ success: true, numPassedTests: 1 });
  });
});

if (testPrebuilds)
  describe('Installed with --build-from-source', () => {
    it('it compiles, and forks with what it compiled.', { timeout: 2 * TIMEOUT }, () => {
      const folder = project('compiled', packed.path, ['--build-from-source'], process.env);
      const program = `const { ${NAMES} } = require('prefork'); ${PROGRAM} console.log(${WHICH});`;
      const binary = join(folder, 'node_modules', 'prefork', 'build', 'Release', 'prefork.node');
      expect(node(folder, ['-e', program])).toBe(`${PRINTED}${binary}\n`);

      // The next installation has its own way again: nothing of this one is left to win over its binary.
      const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--force', packed.path];
      execFileSync('npm', ['uninstall', 'prefork'], { cwd: folder, stdio: 'pipe' });
      execFileSync('npm', args, { cwd: folder, stdio: 'pipe', env: withoutCompiler() });
      expect(existsSync(binary)).toBe(false);
      expect(node(folder, ['-e', program])).toMatch(/\/prebuilds\/linux-\w+\/prefork\.glibc\.node\n$/);
    });
  });
