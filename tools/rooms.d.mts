/** What is wrong with these files (path to text), one sentence each. */
export function complaints(files: ReadonlyMap<string, string>): string[];

/** The sources of lib/ and native/ as they are. */
export function sources(): Map<string, string>;
