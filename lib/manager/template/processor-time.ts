/**
 * A forked process has used no processor time yet. For an application that has read it before it listened, as prom-client's default
 * metrics do, time would run backwards, which they refuse. So a worker goes on from what the application has last read in its template.
 */

type Read = typeof process.cpuUsage;

/** Since Node 23.9. */
const withThreads = process as { threadCpuUsage?: Read };

export class ProcessorTime {
  readonly #process = new Readings();
  readonly #thread = new Readings();

  /** Before the application is loaded, which may keep the functions that it finds. */
  watch(): void {
    const { cpuUsage, resourceUsage } = process;
    const { threadCpuUsage } = withThreads;
    process.cpuUsage = this.#process.of(cpuUsage);
    process.resourceUsage = () => {
      const usage = resourceUsage.call(process);
      const { user, system } = this.#process.goOn({ user: usage.userCPUTime, system: usage.systemCPUTime });
      return { ...usage, userCPUTime: user, systemCPUTime: system };
    };
    if (threadCpuUsage !== undefined) withThreads.threadCpuUsage = this.#thread.of(threadCpuUsage);
  }

  /** In a worker. */
  begin(): void {
    this.#process.begin();
    this.#thread.begin();
  }
}

/** In microseconds. */
class Readings {
  #last: NodeJS.CpuUsage = { user: 0, system: 0 };
  /** The last one before the fork. */
  #before = this.#last;

  begin(): void {
    this.#before = this.#last;
  }

  of(read: Read): Read {
    return (previous) => {
      // Node says what is no reading.
      const since = previous === undefined ? undefined : read.call(process, previous);
      const now = this.goOn(read.call(process));
      return since === undefined ? now : this.#add(since);
    };
  }

  goOn(own: NodeJS.CpuUsage): NodeJS.CpuUsage {
    this.#last = this.#add(own);
    return { ...this.#last };
  }

  #add({ user, system }: NodeJS.CpuUsage): NodeJS.CpuUsage {
    return { user: user + this.#before.user, system: system + this.#before.system };
  }
}
