/** The compiled addon asks a system for nothing that it may not have; read from the binary. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ElfSymbol, readElf } from '../helpers/elf';
import { here, prebuilds, testPrebuilds } from '../helpers/prebuilds';

const load = createRequire(__filename);
const NEWEST_GLIBC = [2, 28];
const NAPI_VERSION = 'v8';

interface NodeApiHeaders {
  symbols: Record<string, { js_native_api_symbols: string[]; node_api_symbols: string[] }>;
}

function nodeApi(version: string): Set<string> {
  const { symbols } = load('node-api-headers') as NodeApiHeaders;
  const of = symbols[version];
  return new Set([...(of?.js_native_api_symbols ?? []), ...(of?.node_api_symbols ?? [])]);
}

function isNodeApi({ name }: ElfSymbol): boolean {
  return /^(napi|node_api)_/.test(name);
}

function isLibuv({ name }: ElfSymbol): boolean {
  return name.startsWith('uv_');
}

/** '_ITM_registerTMCloneTable' and similar ones, which need not exist. */
function isCompilers({ name }: ElfSymbol): boolean {
  return /^(_ITM_|__gmon_start__$|__cxa_finalize$)/.test(name);
}

function isNewerThan([major = 0, minor = 0]: number[], { version }: ElfSymbol): boolean {
  const [have = 0, little = 0] = version.replace('GLIBC_', '').split('.').map(Number);
  return have > major || (have === major && little > minor);
}

describe.each(testPrebuilds ? [here, ...prebuilds] : [here])('$name', ({ arch, libc, file, stripped }) => {
  const { imported, ...elf } = readElf(file);
  const fromLibc = imported.filter(
    (symbol) => !isNodeApi(symbol) && !isLibuv(symbol) && !isCompilers(symbol),
  );

  it('is for this processor, and needs the C library and nothing else', () => {
    expect(elf.arch).toBe(arch);
    expect(elf.needed).toEqual([libc === 'glibc' ? 'libc.so.6' : 'libc.so']);
  });

  it('shows others only what Node looks up, and what stands before the C library in a successor', () => {
    expect(elf.exported.sort()).toEqual([
      'napi_register_module_v1',
      'node_api_module_get_api_version_v1',
      'pthread_sigmask',
    ]);
  });

  it('imports no N-API function newer than the version that it declares', () => {
    const allowed = nodeApi(NAPI_VERSION);
    const used = imported.filter(isNodeApi).map(({ name }) => name);
    expect(used.length).toBeGreaterThan(30);
    expect(used.filter((name) => !allowed.has(name))).toEqual([]);
  });

  it('imports nothing of V8, of Node or of a C++ library', () => {
    expect(imported.map(({ name }) => name).filter((name) => /^(_Z|__cxa_(?!finalize))/.test(name))).toEqual(
      [],
    );
  });

  if (libc === 'glibc')
    it('imports nothing that glibc has only since after 2.28', () => {
      expect(fromLibc.length).toBeGreaterThan(30);
      expect(fromLibc.filter(({ version }) => !version.startsWith('GLIBC_2.'))).toEqual([]);
      expect(fromLibc.filter((symbol) => isNewerThan(NEWEST_GLIBC, symbol))).toEqual([]);
    });

  if (libc === 'musl')
    it('imports nothing that musl does not have', async () => {
      const { musl } = await import('../../tools/musl.mjs');
      const provided = new Set(readElf(join(musl(arch).libraries, 'libc.so')).exported);
      expect(fromLibc.length).toBeGreaterThan(30);
      expect(fromLibc.filter(({ name }) => !provided.has(name))).toEqual([]);
    });

  if (stripped)
    it('is stripped', () => {
      expect(elf.sections).toContain('.dynsym');
      expect(elf.sections.filter((name) => /^\.(symtab|debug)/.test(name))).toEqual([]);
    });
});
