// The threads of this process, from /proc.
const { readFileSync, readdirSync } = require('node:fs');

const PF_EXITING = 4; // linux/sched.h

/** proc(5), /proc/pid/stat; from the third field on. */
function fieldsOf(tid) {
  return readFileSync(`/proc/self/task/${tid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
}

function lives(tid) {
  try {
    return (Number(fieldsOf(tid)[6]) & PF_EXITING) === 0;
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return false;
    throw error;
  }
}

/** pthread_join(3) returns while the kernel still lists the thread; prefork joins two of its own when it is loaded. */
function liveThreads() {
  return readdirSync('/proc/self/task').map(Number).filter(lives);
}

module.exports = { fieldsOf, liveThreads };
