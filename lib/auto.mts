/**
 * `node --import prefork/auto server.js`: the same as `prefork server.js`, with settings from the environment and the
 * configuration file.
 */
import { begun } from './cli/begun.js';
import { startAutomatically } from './cli/preload.js';

await (begun()?.startAutomatically ?? startAutomatically)();
