/** Options of Node that are for the process that Node itself starts: a debugger's, and those that write a file when it exits. */
const PER_PROCESS = /^--(inspect(-brk|-wait)?|cpu-prof|heap-prof|prof)(=|$)/;

export function optionPerProcess(execArgv: readonly string[]): string | undefined {
  return execArgv.find((option) => PER_PROCESS.test(option));
}
