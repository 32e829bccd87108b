/**
 * `node --import prefork/auto server.js`: the same as `prefork server.js`, with settings from the environment and the
 * configuration file.
 */
import { startAutomatically } from './cli/preload.js';

await startAutomatically();
