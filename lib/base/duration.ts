const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** For people: `850 ms`, `12 s`, `3 min 20 s`, `5 h 2 min`, `12 d 4 h`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  let rest = Math.floor(milliseconds / 1000);
  const parts = UNITS.map(([name, seconds]) => {
    const count = Math.floor(rest / seconds);
    rest %= seconds;
    return count === 0 ? '' : `${count} ${name}`;
  });
  return parts
    .filter((part) => part !== '')
    .slice(0, 2)
    .join(' ');
}
