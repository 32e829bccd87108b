/** A test file without a test of anybody's: what Jest itself needs for a file is loaded and compiled by it. */
declare const test: (name: string, body: () => void) => void;
declare const expect: (value: unknown) => { toEqual(expected: unknown): void };

test('passes', () => expect({ is: ['equal'] }).toEqual({ is: ['equal'] }));
