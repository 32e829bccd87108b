/** Whether this Node reads TypeScript without a loader; before Node 22.18 that was an option. */
export const stripsTypes = Boolean((process.features as { typescript?: string | false }).typescript);

/** Says how to load a TypeScript file; undefined if TypeScript is not the problem. */
export function typeScriptHint(path: string): string | undefined {
  if (!/\.[cm]?tsx?$/.test(path) || stripsTypes) return undefined;
  return `Node ${process.versions.node} does not read TypeScript by itself: use Node 22.18 or later, or add --import tsx`;
}
