// With SIGCHLD ignored the kernel reaps, and wait finds nobody.
// Node puts every disposition back when it starts, and JavaScript cannot ignore a signal: a library does it when loaded.
import { forkProcesses } from 'prefork/process';

try {
  process.dlopen({ exports: {} }, process.env.IGNORE_SIGCHLD);
} catch {
  // It is no add-on; its constructor has run.
}
forkProcesses(1);
