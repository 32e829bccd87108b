/** Heaps that are compared, in MB. */
export const SIZES = [0, 100, 400, 1000];
export const sizeName = (size) => (size === 0 ? 'empty' : `${size} MB`);
