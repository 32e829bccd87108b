/** Fills the JavaScript heap up to so many megabytes with small objects, as a program's data would. */
exports.fillHeap = (megabytes) => {
  const kept = [];
  globalThis.kept = kept;
  while (process.memoryUsage().heapUsed < megabytes * 1e6) {
    const part = [];
    for (let i = 0; i < 20_000; i++) part.push({ id: i, nested: { value: i + 0.5, text: `text ${i}` } });
    kept.push(part);
  }
};
