/** The application that files are written for, as far as its folder tells. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { preforkError } from '../../base/errors';
import { lookIn } from '../settings/here';
import type { Writing } from '../settings/writings';

export interface Subject {
  /** For units, images and objects of Kubernetes: lower case, digits and hyphens. */
  name: string;
  /** Absolute. */
  folder: string;
  /** What follows `prefork`: options, the application, its arguments. */
  words: string[];
  /** Variables that the start script sets. */
  environment: [name: string, value: string][];
  port: number;
  /** Node's major version. */
  node: number;
  packages: Packages;
  /** It has a script `build`. */
  isBuilt: boolean;
}

/** How its packages are installed: all of them, and without those for development. */
export interface Packages {
  files: string;
  all: string;
  production: string;
  build: string;
}

const BY_LOCK: [lock: string, packages: Packages][] = [
  [
    'pnpm-lock.yaml',
    {
      files: 'package.json pnpm-lock.yaml',
      all: 'corepack enable && pnpm install --frozen-lockfile',
      production: 'corepack enable && pnpm install --frozen-lockfile --prod',
      build: 'pnpm run build',
    },
  ],
  [
    'yarn.lock',
    {
      files: 'package.json yarn.lock',
      all: 'yarn install --frozen-lockfile',
      production: 'yarn install --frozen-lockfile --production',
      build: 'yarn run build',
    },
  ],
  [
    'package-lock.json',
    {
      files: 'package.json package-lock.json',
      all: 'npm ci',
      production: 'npm ci --omit=dev',
      build: 'npm run build',
    },
  ],
];
const WITHOUT_LOCK: Packages = {
  files: 'package.json',
  all: 'npm install',
  production: 'npm install --omit=dev',
  build: 'npm run build',
};

/** @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: nobody can tell what is to run */
export function subjectIn(folder: string, { application, port }: Writing & { command: 'init' }): Subject {
  const run = application === undefined ? lookIn(folder)?.run : { environment: '', line: application };
  if (run == null) {
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      'package.json does not tell which file serves: name it, as in prefork init systemd server.js',
    );
  }
  const manifest = manifestIn(folder);
  return {
    name: slug(String(manifest.name ?? basename(folder))),
    folder,
    words: application === undefined ? run.line.split(' ') : [application],
    environment: [...run.environment.matchAll(/(\w+)=(?:'([^']*)'|(\S*))/g)].map(
      ([, name = '', inQuotes, plain]) => [name, inQuotes ?? plain ?? ''],
    ),
    port,
    node: Number(process.versions.node.split('.')[0]),
    packages: BY_LOCK.find(([lock]) => existsSync(join(folder, lock)))?.[1] ?? WITHOUT_LOCK,
    isBuilt: typeof manifest.scripts?.build === 'string',
  };
}

interface Manifest {
  name?: unknown;
  scripts?: { build?: unknown };
}

function manifestIn(folder: string): Manifest {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? manifest : {};
  } catch {
    return {};
  }
}

/** A label of a domain name is a name everywhere (RFC 1123): `@acme/Web_Shop` becomes `acme-web-shop`. */
function slug(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return plain.slice(0, 50).replaceAll(/^-+|-+$/g, '') || 'app';
}
