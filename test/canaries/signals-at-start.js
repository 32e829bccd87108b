// Node unblocks all signals when it starts, by the C library's pthread_sigmask(), which that of a library in LD_PRELOAD
// comes before: so those that a successor of the manager is started with blocked stay so.
const assert = require('node:assert/strict');
const { closeSync, openSync } = require('node:fs');
const { constants } = require('node:os');
const { spawnSync } = require('node:child_process');
const { canary, load } = require('./helpers/canary');

const SHOW = "require('node:fs').readFileSync('/proc/self/status', 'latin1')";
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'];

function become(variables) {
  const { binding } = load('base/binding');
  const environment = Object.entries({ ...process.env, ...variables }).map((pair) => pair.join('='));
  const signals = Int32Array.from(SIGNALS, (name) => constants.signals[name]);
  const addon = openSync(load('base/binding').addonFile(), 'r');
  environment.push(`LD_PRELOAD=/proc/self/fd/${addon}`);
  const args = [process.execPath, '-p', SHOW];
  const result = binding.process_hand_over(
    process.execPath,
    args,
    environment,
    signals,
    Int32Array.of(addon),
  );
  closeSync(addon);
  throw new Error(`execve: ${result}`);
}

function blockedIn(role) {
  const { stdout, stderr } = spawnSync(process.execPath, [__filename, role], { encoding: 'utf8' });
  const [, bits] = /^SigBlk:\s*(\w+)$/m.exec(stdout) ?? assert.fail(stderr);
  const mask = BigInt(`0x${bits}`);
  return SIGNALS.filter((name) => (mask >> BigInt(constants.signals[name] - 1)) & 1n);
}

if (process.argv[2] === 'successor') become({ PREFORK_SUCCESSION: 'yes' });
else if (process.argv[2] === 'other') become({});
else
  canary(() => {
    assert.deepEqual(blockedIn('successor'), SIGNALS);
    // The addon holds nothing where nobody has asked for it.
    assert.deepEqual(blockedIn('other'), []);
  });
