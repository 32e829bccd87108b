/** Asks until it is so: for what nobody says by itself. A test that waits in vain ends with its time. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}
