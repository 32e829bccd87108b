import { execFileSync } from 'node:child_process';

export interface ElfSymbol {
  name: string;
  /** 'GLIBC_2.2.5'; empty if it has none. */
  version: string;
}

export interface Elf {
  /** 'x64' or 'arm64', as Node says it. */
  arch: string | undefined;
  /** The libraries that it asks for. */
  needed: string[];
  imported: ElfSymbol[];
  /** Weak ones too. */
  exported: string[];
  sections: string[];
}

const ARCHITECTURES = [
  [/X86-64/, 'x64'],
  [/AArch64/, 'arm64'],
] as const;

/** Symbols as `readelf --dyn-syms` lists them: number, value, size, type, binding, visibility, section, name. */
function symbols(text: string): { section: string; name: string; version: string }[] {
  return text.split('\n').flatMap((line) => {
    const [number = '', , , , binding, , section = '', full = ''] = line.trim().split(/\s+/);
    if (!/^\d+:$/.test(number) || full === '' || binding === 'LOCAL') return [];
    const [name = '', version = ''] = full.split(/@+/);
    return [{ section, name, version }];
  });
}

/** What binutils read from a library. */
export function readElf(file: string): Elf {
  const text = execFileSync(
    'readelf',
    ['--wide', '--file-header', '--dynamic', '--dyn-syms', '--section-headers', file],
    { encoding: 'utf8' },
  );
  const all = symbols(text);
  return {
    arch: ARCHITECTURES.find(([pattern]) => pattern.test(/Machine:(.*)/.exec(text)?.[1] ?? ''))?.[1],
    needed: [...text.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = '']) => name),
    imported: all.filter(({ section }) => section === 'UND').map(({ name, version }) => ({ name, version })),
    exported: all.filter(({ section }) => section !== 'UND').map(({ name }) => name),
    sections: [...text.matchAll(/^\s*\[ *\d+\] (\.\S+)/gm)].map(([, name = '']) => name),
  };
}
