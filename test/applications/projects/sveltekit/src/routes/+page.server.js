export function load() {
  return { text: `pid ${process.pid}` };
}
