/** Python's `time.strftime` in the C locale, local time. */
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const padded = (value: number, width = 2): string => String(value).padStart(width, '0');

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1);
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000 + 1;
}

function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const absolute = Math.abs(minutes);
  return (minutes < 0 ? '-' : '+') + padded(Math.floor(absolute / 60)) + padded(absolute % 60);
}

function zone(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

const DIRECTIVES: Record<string, (date: Date) => string> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => padded(date.getFullYear() % 100),
  m: (date) => padded(date.getMonth() + 1),
  d: (date) => padded(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2),
  H: (date) => padded(date.getHours()),
  I: (date) => padded(date.getHours() % 12 || 12),
  M: (date) => padded(date.getMinutes()),
  S: (date) => padded(date.getSeconds()),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  a: (date) => (DAYS[date.getDay()] ?? '').slice(0, 3),
  A: (date) => DAYS[date.getDay()] ?? '',
  b: (date) => (MONTHS[date.getMonth()] ?? '').slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] ?? '',
  j: (date) => padded(dayOfYear(date), 3),
  w: (date) => String(date.getDay()),
  u: (date) => String(date.getDay() || 7),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  z: offset,
  Z: zone,
  F: (date) => strftime('%Y-%m-%d', date),
  T: (date) => strftime('%H:%M:%S', date),
  D: (date) => strftime('%m/%d/%y', date),
  R: (date) => strftime('%H:%M', date),
  c: (date) => strftime('%a %b %e %H:%M:%S %Y', date),
  x: (date) => strftime('%m/%d/%y', date),
  X: (date) => strftime('%H:%M:%S', date),
  n: () => '\n',
  t: () => '\t',
  '%': () => '%',
};

/** An unknown directive stays as it is, as in glibc. */
export function strftime(format: string, date: Date): string {
  return format.replaceAll(/%([\s\S])/g, (whole, letter: string) => DIRECTIVES[letter]?.(date) ?? whole);
}
