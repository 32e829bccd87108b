/** Where something is forbidden or missing, fork() works without it or says exactly what it misses. */
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { compile } from '../helpers/compile';
import { Program, type Result } from '../helpers/run';

const FIXTURE = `${__dirname}/../fixtures/fork/confined/confined.js`;
const CONFINE = compile('fork/confined/confine.c');
const isRoot = process.geteuid?.() === 0;
const NOBODY = '65534';

const { EPERM, ENOSYS } = constants.errno;

const WORKS = { status: 0, signal: null, stdout: 'waitpid 7\nwaitpidAsync 7\n', stderr: '' };

function runUnder(command: string, ...args: string[]): Promise<Result> {
  return new Program(command, [...args, process.execPath, FIXTURE]).result;
}

/** What container runtimes answer for a call that they forbid, and what kernels answer that do not have it. */
describe.each([
  ['EPERM', EPERM],
  ['ENOSYS', ENOSYS],
])('under a seccomp filter that answers %s', (_, error) => {
  const forbidding = (calls: string) => runUnder(CONFINE, String(error), calls);

  test.each([
    'close_range',
    'get_robust_list',
    'io_uring_setup',
    'kcmp',
    'memfd_create',
    'open_by_handle_at',
    'pidfd_open',
    'process_vm_readv',
    'ptrace',
    'rseq',
    'sched_getattr',
    'sched_setattr',
    'sched_setaffinity',
    'set_robust_list',
    'tgkill',
    'timer_create',
    'close_range,kcmp,memfd_create,open_by_handle_at,pidfd_open,process_vm_readv,ptrace,rseq,tgkill,timer_create',
  ])('it works without %s', async (calls) => {
    expect(await forbidding(calls)).toEqual(WORKS);
  });

  test.each([
    ['clone-process', 'clone'],
    ['rt_tgsigqueueinfo', 'rt_tgsigqueueinfo'],
    ['dup3', 'dup3'],
    ['tee', 'tee'],
    ['PR_GET_TID_ADDRESS', 'prctl(PR_GET_TID_ADDRESS), that is a kernel with CONFIG_CHECKPOINT_RESTORE,'],
  ])('it says that it misses %s', async (calls, name) => {
    const message = `fork() needs ${name}, which the kernel lacks, or a seccomp filter forbids`;
    expect(await forbidding(calls)).toEqual({
      ...WORKS,
      stdout: `ERR_PREFORK_UNSUPPORTED: ${message}\n`,
    });
  });
});

test('it works where clone3 is not there', async () => {
  expect(await runUnder(CONFINE, String(ENOSYS), 'clone3')).toEqual(WORKS);
});

describe('without rights', () => {
  test.runIf(isRoot)('it works as a user who can get none (NO_NEW_PRIVS)', async () => {
    const rights = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', '--no-new-privs'];
    const none = ['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'];
    expect(await runUnder('setpriv', ...rights, ...none)).toEqual(WORKS);
  });
});

/** Each in mounts of its own, so that only the program sees them. */
describe('with another /proc', () => {
  const withMounts = (script: string) =>
    runUnder('unshare', '--mount', '--fork', '--pid', 'sh', '-c', `${script} && exec "$0" "$@"`);
  const mount = (options: string) => `mount -t proc -o ${options} proc /proc`;
  const asNobody = `set -- setpriv --reuid ${NOBODY} --clear-groups --no-new-privs "$0" "$@"`;
  const execAll = 'exec "$@"';

  test.runIf(isRoot)('it works where /proc can only be read', async () => {
    expect(await withMounts(`${mount('rw')} && mount -o remount,ro,bind /proc`)).toEqual(WORKS);
  });

  test.runIf(isRoot).each(['hidepid=1', 'hidepid=2', 'hidepid=4', 'subset=pid'])(
    'it works for a user without rights where /proc is mounted with %s',
    async (option) => {
      expect(await withMounts(`${mount(option)} && ${asNobody} && ${execAll}`)).toEqual(WORKS);
    },
  );

  test.runIf(isRoot).each([
    ['is of another namespace', 'true'],
    ['is an empty directory', 'mount -t tmpfs tmpfs /proc'],
  ])('it says so where /proc %s', async (_, script) => {
    const why = 'cannot be read here: mount /proc, in this namespace of processes';
    expect(await withMounts(script)).toEqual({
      ...WORKS,
      stdout: `ERR_PREFORK_UNSUPPORTED: fork() needs /proc/self, which ${why}\n`,
    });
  });
});
