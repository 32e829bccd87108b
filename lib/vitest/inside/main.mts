/** The program of the first process: those that run the files are forked from it, and from each other. */
import { begin } from './process.js';

// No test is to see an argument that it does not see in vitest's own pool.
const [dist = '', hub = '', id = ''] = process.argv.splice(2);
await begin(dist, hub, Number(id));
