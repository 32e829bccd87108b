// `node bench/programs/random.js`: `Math.random()` in forked children beside V8's own in their parent, in turns
// (A B C D A B C D …). Prints nanoseconds of processor time a call, the medians of all turns, and their ratios.
//
// Where the call stands: in code that was hot before the fork, in code that first runs in the child, and in code that
// calls a Math.random which was put aside before the fork.
const fs = require('node:fs');
const { _exit, fork, pipe, waitpid } = require('../..');

const CALLS = 1e6;
const WARM_UP = 3;
const SAMPLES = 5;
const TURNS = 15;

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

function nanoseconds(calls) {
  let sum = 0;
  const before = process.cpuUsage().user;
  for (let i = 0; i < calls; i++) sum += Math.random();
  const time = ((process.cpuUsage().user - before) * 1000) / calls;
  if (Math.abs(sum / calls - 0.5) > 0.01) throw new Error(`not uniform: mean ${sum / calls}`);
  return time;
}

const { random } = Math;

function aside(calls) {
  let sum = 0;
  const before = process.cpuUsage().user;
  for (let i = 0; i < calls; i++) sum += random();
  const time = ((process.cpuUsage().user - before) * 1000) / calls;
  if (Math.abs(sum / calls - 0.5) > 0.01) throw new Error(`not uniform: mean ${sum / calls}`);
  return time;
}

/** The same source, but no code or feedback of the one that has run: other text, and so another function to V8. */
function afresh() {
  return new Function(`return ${nanoseconds.toString().replaceAll('sum', `sum${process.pid}`)}`)();
}

function measure(sample) {
  const times = Array.from({ length: WARM_UP + SAMPLES }, () => sample(CALLS));
  return median(times.slice(WARM_UP));
}

function measureInChild(chooseSample) {
  const [from, to] = pipe();
  const pid = fork();
  if (pid === 0) {
    fs.writeSync(to, String(measure(chooseSample())));
    _exit(0);
  }
  fs.closeSync(to);
  const time = Number(fs.readFileSync(from, 'utf8'));
  fs.closeSync(from);
  if (waitpid(pid)[1] !== 0) throw new Error('the child failed');
  return time;
}

const times = { v8: [], v8Aside: [], hot: [], cold: [], aside: [] };
for (let turn = 0; turn < TURNS; turn++) {
  times.v8.push(measure(nanoseconds));
  times.v8Aside.push(measure(aside));
  times.hot.push(measureInChild(() => nanoseconds));
  times.cold.push(measureInChild(afresh));
  times.aside.push(measureInChild(() => aside));
}
const [v8, v8Aside, hot, cold, put] = Object.values(times).map(median);
const shown = (time, base) => `${time.toFixed(2)} ns (${(time / base).toFixed(2)})`;
console.log(
  `Node ${process.version}: V8 ${v8.toFixed(2)} ns, put aside ${v8Aside.toFixed(2)} ns; in a child: ` +
    `hot before ${shown(hot, v8)}, first run there ${shown(cold, v8)}, put aside ${shown(put, v8Aside)}`,
);
