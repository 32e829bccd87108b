// `jit.js rounds`: processor time of a hot function in the parent, in a forked child where it was compiled before the
// fork, and in one where it is compiled after it. Prints { parent: [ms…], before: [ms…], after: [ms…] }.
const { closeSync, readFileSync, writeSync } = require('node:fs');
const { _exit, fork, pipe, waitpid } = require('../..');

const SOURCE = `
  let a = 1, b = 0;
  const table = new Float64Array(256);
  for (let i = 0; i < 8e6; i++) {
    a = (a * 1103515245 + 12345) & 0x7fffffff;
    b += table[a & 255] + (a >>> 16);
    table[b & 255] = a;
  }
  return b;`;

/** The same source and no code or feedback of another. */
const afresh = (name) => new Function(`/* ${name} */ ${SOURCE}`);
const WARM_UP = 4;
const SAMPLES = 7;

function measure(hot) {
  const times = [];
  for (let i = 0; i < WARM_UP + SAMPLES; i++) {
    const before = process.cpuUsage().user;
    hot();
    times.push((process.cpuUsage().user - before) / 1000);
  }
  return Math.min(...times.slice(WARM_UP));
}

function inChild(choose) {
  const [from, to] = pipe();
  const pid = fork();
  if (pid === 0) {
    writeSync(to, String(measure(choose())));
    _exit(0);
  }
  closeSync(to);
  const time = Number(readFileSync(from, 'utf8'));
  closeSync(from);
  waitpid(pid);
  return time;
}

const result = { parent: [], before: [], after: [] };
for (let round = 0; round < Number(process.argv[2]); round++) {
  const hot = afresh(`parent ${round}`);
  result.parent.push(measure(hot));
  result.before.push(inChild(() => hot));
  result.after.push(inChild(() => afresh(`child ${round}`)));
}
console.log(JSON.stringify(result));
