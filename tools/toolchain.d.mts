export function toolchain(
  arch: string,
  libc: string,
): { compile: [string, ...string[]]; link: [string, ...string[]]; strip: string };
