export function musl(arch: string): { include: string; libraries: string; start: string };
