/** What a process has used: the fields of getrusage(2), as Python's `resource.struct_rusage` has them. */
export interface ResourceUsage {
  /** Seconds of processor time in the program. */
  ruUtime: number;
  /** Seconds of processor time in the kernel. */
  ruStime: number;
  /** The most memory it had at one time, in KiB. */
  ruMaxrss: number;
  /** Always 0 on Linux. */
  ruIxrss: number;
  /** Always 0 on Linux. */
  ruIdrss: number;
  /** Always 0 on Linux. */
  ruIsrss: number;
  /** Page faults without input or output. */
  ruMinflt: number;
  /** Page faults that needed input or output. */
  ruMajflt: number;
  /** Always 0 on Linux. */
  ruNswap: number;
  /** How often the file system had to read. */
  ruInblock: number;
  /** How often the file system had to write. */
  ruOublock: number;
  /** Always 0 on Linux. */
  ruMsgsnd: number;
  /** Always 0 on Linux. */
  ruMsgrcv: number;
  /** Always 0 on Linux. */
  ruNsignals: number;
  /** How often it gave up the processor, to wait for something. */
  ruNvcsw: number;
  /** How often the processor was taken from it. */
  ruNivcsw: number;
}

/** In the order in which the kernel has them. */
const FIELDS = [
  'ruUtime',
  'ruStime',
  'ruMaxrss',
  'ruIxrss',
  'ruIdrss',
  'ruIsrss',
  'ruMinflt',
  'ruMajflt',
  'ruNswap',
  'ruInblock',
  'ruOublock',
  'ruMsgsnd',
  'ruMsgrcv',
  'ruNsignals',
  'ruNvcsw',
  'ruNivcsw',
] as const satisfies readonly (keyof ResourceUsage)[];

/** For `wait_now` to fill. */
export function usageRoom(): Float64Array {
  return new Float64Array(FIELDS.length);
}

export function readUsage(values: Float64Array): ResourceUsage {
  return Object.fromEntries(FIELDS.map((name, i) => [name, values[i] ?? 0])) as unknown as ResourceUsage;
}
