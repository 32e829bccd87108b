export function musl(arch: string): { include: string; library: string; start: string };
