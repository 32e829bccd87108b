/** Whether this Node reads TypeScript by itself; it was an option before Node 22.18. */
export const stripsTypes = Boolean((process.features as { typescript?: string | false }).typescript);

/** If a TypeScript file could not be read, how it can be; undefined if that is not what is wrong. */
export function typeScriptHint(path: string): string | undefined {
  if (!/\.[cm]?tsx?$/.test(path) || stripsTypes) return undefined;
  return `Node ${process.versions.node} does not read TypeScript by itself: use Node 22.18 or later, or add --import tsx`;
}
