/**
 * Functions in processes of their own, which find everything as it is here: closures, with all memory that they speak of.
 * @module
 */

export { type InChildOptions, inChild } from './parallel/in-child';
export { type ImapOptions, type MapOptions, Pool, type PoolOptions } from './parallel/pool';
