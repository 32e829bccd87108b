import { join } from 'node:path';

import load = require('node-gyp-build');

/** Every native call. A number below zero is always `-errno`; the callers in lib/ turn it into an error. */
export interface Binding {
  /** Placeholder for the natives. */
  readonly path?: string;
}

export const binding = load(join(__dirname, '..')) as Binding;
