import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import * as os from '../../lib/os';
import { compile } from '../helpers/compile';

const flag = (value: boolean) => (value ? 1 : 0);

function inTypeScript(status: number): string {
  return [
    flag(os.WIFEXITED(status)),
    os.WEXITSTATUS(status),
    flag(os.WIFSIGNALED(status)),
    os.WTERMSIG(status),
    flag(os.WCOREDUMP(status)),
    flag(os.WIFSTOPPED(status)),
    os.WSTOPSIG(status),
    flag(os.WIFCONTINUED(status)),
  ].join(' ');
}

test('Every status means what the macros of the C library say.', () => {
  const lines = execFileSync(compile('wait/status_macros.c'), { encoding: 'utf8', maxBuffer: 1 << 24 })
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(65_536);
  expect(lines.map((_, status) => inTypeScript(status))).toEqual(lines);
});

// CPython Lib/test/test_os.py, test_waitstatus_to_exitcode.
test('The exit code is 0 to 255, the negated signal, or an error for a process that has not ended.', () => {
  for (let status = 0; status <= 0xffff; status++) {
    const convert = () => os.waitstatusToExitcode(status);
    if (os.WIFEXITED(status)) expect(convert()).toBe(os.WEXITSTATUS(status));
    else if (os.WIFSIGNALED(status)) expect(convert()).toBe(-os.WTERMSIG(status));
    else expect(convert).toThrow(RangeError);
  }
  expect(os.waitstatusToExitcode(23 << 8)).toBe(23);
  expect(() => os.waitstatusToExitcode(0x137f)).toThrow('process stopped by delivery of signal 19');
  expect(() => os.waitstatusToExitcode(0xffff)).toThrow('invalid wait status: 65535');
});

test('What is no status is refused.', () => {
  for (const bad of [-1, 0x1_0000, 0.5, Number.NaN]) {
    expect(() => os.waitstatusToExitcode(bad)).toThrow(
      expect.objectContaining({ name: 'RangeError', code: 'ERR_PREFORK_OUT_OF_RANGE' }),
    );
  }
  expect(() => os.waitstatusToExitcode('0' as unknown as number)).toThrow(
    expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' }),
  );
});
