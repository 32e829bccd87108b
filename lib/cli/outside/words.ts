/** Sizes and tables as a terminal shows them. */

/** `512 B`, `1.5 KiB`, `64 MiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  const value = count / 1024 ** power;
  return `${power === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** Columns as wide as their widest cell. A name that ends in a colon is of numbers, which stand to the right. */
export function table(names: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const isRight = names.map((name) => name.endsWith(':'));
  const heads = names.map((name) => name.replace(/:$/, ''));
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  return [heads, ...rows].map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isRight[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
