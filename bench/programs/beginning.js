// `beginning.js without times`: the process manager, without a part of what its workers begin with: nothing, bell or recorder. Its
// application is begins.js.
const { join } = require('node:path');

const PARTS = {
  nothing: () => {},
  bell: (dist) => {
    require(join(dist, 'manager/worker/broadcast.js')).beginReceiving = () => {};
    require(join(dist, 'manager/bells.js')).lookWithoutRing = () => {};
  },
  recorder: (dist) => {
    require(join(dist, 'manager/worker/recordings.js')).recorder = () => () => {};
  },
};

const [without, times] = process.argv.slice(2);
const dist = join(__dirname, '..', '..', 'dist');
PARTS[without](dist);
process.env.BENCH_TIMES = times;
const main = join(dist, 'cli', 'main.js');
process.argv.splice(1, 3, main, '-w', '1', '--no-config', join(__dirname, 'begins.js'));
require(main);
