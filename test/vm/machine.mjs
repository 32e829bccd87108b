// Boots a virtual machine, without hardware to help it, and listens to its console.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const MACHINES = {
  // With pointer authentication and branch targets, which Debian's libraries use where the processor knows them.
  arm64: ['qemu-system-aarch64', ['-M', 'virt', '-cpu', 'max,pauth-impdef=on'], 'console=ttyAMA0'],
  // On a busy host the emulated timer is late, which the kernel would take for a broken one, and give up.
  x64: ['qemu-system-x86_64', ['-M', 'q35', '-cpu', 'max'], 'console=ttyS0 no_timer_check'],
};

/**
 * Calls `onLine` with each line that the machine prints. Resolves when it is off: to true, or to false if that took
 * longer than `minutes` and it was switched off.
 */
export function boot(architecture, { kernel, initrd, options = '' }, minutes, onLine) {
  const [program, machine, kernelOptions] = MACHINES[architecture];
  const args = [
    ...machine,
    ...['-accel', 'tcg,thread=multi', '-smp', '2', '-m', '3072'],
    ...['-nodefaults', '-nographic', '-no-reboot', '-serial', 'stdio', '-nic', 'none'],
    ...['-kernel', kernel, '-initrd', initrd, '-append', `${kernelOptions} quiet panic=-1 ${options}`],
  ];
  const qemu = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let inTime = true;
  const timer = setTimeout(() => {
    inTime = false;
    qemu.kill('SIGKILL');
  }, minutes * 60_000);
  const stop = () => qemu.kill('SIGKILL');
  process.on('exit', stop);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  createInterface(qemu.stdout).on('line', (line) => onLine(line.replace(/\r/g, '')));
  return new Promise((resolve, reject) => {
    qemu.on('error', reject);
    qemu.on('close', () => {
      clearTimeout(timer);
      process.off('exit', stop);
      resolve(inTime);
    });
  });
}
