import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

export interface Binary {
  /** 'linux-x64-glibc', or 'build' for the one that was compiled here. */
  name: string;
  arch: string;
  libc: string;
  file: string;
  stripped: boolean;
}

export const here: Binary = {
  name: 'build',
  arch: process.arch,
  libc: 'glibc',
  file: join(ROOT, 'build', 'Release', 'prefork.node'),
  stripped: false,
};

/** Every binary that `npm run prebuild` makes. */
export const prebuilds: Binary[] = ['x64', 'arm64'].flatMap((arch) =>
  ['glibc', 'musl'].map((libc) => ({
    name: `linux-${arch}-${libc}`,
    arch,
    libc,
    file: join(ROOT, 'prebuilds', `linux-${arch}`, `prefork.${libc}.node`),
    stripped: true,
  })),
);

/** `npm run test:prebuilds`: they have been made, and are tested; see CONTRIBUTING.md. */
export const testPrebuilds = process.env['TEST_PREBUILDS'] !== undefined;
