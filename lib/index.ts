export type { SystemError } from './errors';
