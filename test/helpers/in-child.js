const assert = require('node:assert');
const os = require('../..');

/** Runs `check` in a forked child. What it throws there is printed, and the parent throws. */
exports.inChild = async (check) => {
  const pid = os.fork();
  if (pid === 0) {
    try {
      await check();
      os._exit(0);
    } catch (error) {
      console.error(error);
      os._exit(1);
    }
  }
  assert.deepStrictEqual(await os.waitpidAsync(pid), [pid, 0]);
};
