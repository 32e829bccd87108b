/** What is to be reached, computed from the samples; and, by hand, why not and what would get there. */
const largest = (...numbers) => (numbers.includes(undefined) ? undefined : Math.max(...numbers));
const smallest = (...numbers) => (numbers.includes(undefined) ? undefined : Math.min(...numbers));
const best = (s, ...names) => smallest(...names.map((name) => s.median(name)));

const atMost = (limit) => ({ text: `at most ${limit}`, holds: (value) => value <= limit });
const atLeast = (limit) => ({ text: `at least ${limit}`, holds: (value) => value >= limit });

export const goals = [
  {
    figure: 'fork() : bare clone, at 400 MB and at 1 GB (the worse)',
    limit: atMost(1.25),
    value: (s) => largest(s.ratio('fork 400', 'clone 400'), s.ratio('fork 1000', 'clone 1000')),
    missed:
      "By stamps in the code, of the time to the first line of the child at 400 MB on Node 20 the clone takes 78 %, reading /proc/self/maps 5 %, knowing V8's mappings again 2 %, taking its marks off 3 %, putting them back 3 %; the rest is the same as with an empty heap. Marks that were put back only when somebody spawns could by then lie on what has become the stack of another thread, and a process that this one spawns would die before it begins. What would get there is a heap of fewer mappings: V8 makes one for every 256 KB. Single turns of nine forks gave 0.96 to 1.70 at 400 MB, so unsteady is the clone itself here.",
  },
  {
    figure: 'fork() to the first line of the child, empty heap, ms',
    limit: atMost(1.5),
    value: (s) => s.median('fork 0'),
    missed:
      "By stamps in the code, on Node 20, of 1.74 ms in a fast hour of this machine: stopping the threads 0.17, looking at descriptors and memory 0.19, the clone 0.49, renewing descriptors 0.15, bringing the threads back and letting them go 0.13, and before and after 0.4 for what JavaScript has to put right, all of it page faults since V8 has nothing to learn any more: one takes 2 to 4 µs on this virtual machine, and a child takes some 120, a third of them on Node's own code, which a fork does not map again. (That it is mapped again can be had, by a private page in it; then the clone takes 0.27 ms longer, which is more than is spared.) Several forks under one stop of the threads would share a sixth of it.",
  },
  {
    figure: "fork() : CPython's os.fork in a Tornado process",
    limit: atMost(1),
    value: (s) => s.ratio('fork 0', 'tornado'),
    missed: 'CPython has one thread to duplicate and nothing of its own to renew. See the row above.',
  },
  {
    figure: 'child_process.spawn after forks : before, in parent and child (the worse)',
    limit: atMost(1.1),
    value: (s) =>
      largest(
        ...[0, 400].flatMap((size) =>
          ['after', 'child'].map((when) => s.ratio(`spawn ${when} ${size}`, `spawn before ${size}`)),
        ),
      ),
    missed:
      'With 400 MB single runs differ by more than this: without any fork in between, the second half of the spawns took 0.96 to 1.36 times as long as the first.',
  },
  {
    figure: 'cluster.fork() to listening : fork() to listening, trivial server',
    limit: atLeast(40),
    value: (s) => s.ratio('cluster listening trivial', 'prefork listening trivial'),
    missed:
      'Most of it is `fork()` itself. What follows was compiling and learning, which `warmup()` does before the fork (a column below has the times without); now it is page faults.',
  },
  {
    figure: 'cluster.fork() to listening : fork() to listening, Express with 300 modules',
    limit: atLeast(200),
    value: (s) => s.ratio('cluster listening express', 'prefork listening express'),
    missed:
      'At 200 times a worker would have to listen after 1.6 ms, which is less than `fork()` takes. With an application that takes longer to load the quotient grows.',
  },
  {
    figure:
      "private memory of the process manager's worker with --small-young-generation : a cluster worker's, trivial server",
    limit: atMost(0.333),
    value: (s) => s.ratio('memory trivial manager --small-young-generation', 'memory trivial cluster-rr'),
    missed:
      'What remains is what a worker makes for itself while it serves, as every Node process does: the young generation of 2 MB, feedback and machine code of Node and its HTTP server, malloc of V8 and libuv. A parent that serves 2,000 requests of its own before the fork spares each worker 2 to 4 MB of that (tried on Node 24).',
  },
  {
    figure:
      "private memory of the process manager's worker with --small-young-generation, 400 MB of data, MB",
    limit: atMost(30),
    value: (s) => s.median('memory data manager --small-young-generation'),
    missed:
      'On Node 20 each copy by `{ ...object, property }` gets a hidden class of its own, which is born in old space: half of the garbage of these requests stays until a full collection, and V8 lets the heap grow to several times the data before one. Node 22 and later do not do this.',
  },
  {
    figure: 'connections per second : cluster round-robin, 2 and 4 workers (the worse)',
    limit: atLeast(1.4),
    value: (s) => smallest(...[2, 4].map((n) => s.ratio(`close prefork ${n}`, `close cluster-rr ${n}`))),
    missed: '',
  },
  {
    figure: 'µs of the parent for a connection',
    limit: atMost(0),
    value: (s) => largest(...[2, 4].map((n) => s.median(`parent prefork ${n}`))),
    missed: '',
  },
  {
    figure:
      "requests per second, keep-alive, the better of our two : of cluster's two (2 and 4 workers, the worse)",
    limit: atLeast(1),
    value: (s) =>
      smallest(
        ...[2, 4].map((n) => {
          const better = (...ways) => largest(...ways.map((way) => s.median(`keep-alive ${way} ${n}`)));
          const own = better('prefork', 'prefork-perWorker');
          const cluster = better('cluster-rr', 'cluster-shared');
          return cluster === undefined || own === undefined ? undefined : own / cluster;
        }),
      ),
    missed:
      'Runs differ by more than this, with wrk on the same 2 processors. With 2 and 4 workers it was 1.09 and 0.85 in one session, 0.89 and 1.04 in the next, and 0.95 and 1.06 in this one. A machine with processors to spare would tell.',
  },
  {
    figure: 'spread over 4 workers, 64 connections, a socket each',
    limit: atMost(1.15),
    value: (s) => s.median('spread prefork-perWorker 64'),
    missed:
      'Without CAP_BPF and CAP_NET_ADMIN the kernel chooses the socket by a hash of the addresses, which is even for many connections only.',
  },
  {
    figure: 'spread over 4 workers, 1,000 connections, a socket each',
    limit: atMost(1.15),
    value: (s) => s.median('spread prefork-perWorker 1000'),
    missed: 'As above.',
  },
  {
    figure: 'p99 of the first 1,000 requests of a new worker, 200 pages : of a new cluster worker',
    limit: atMost(0.333),
    value: (s) => {
      const [own, cluster] = [
        s.median('p99 site rehearsed'),
        best(s, 'p99 site cluster-rr', 'p99 site cluster-shared'),
      ];
      return own === undefined || cluster === undefined ? undefined : own / cluster;
    },
    missed:
      "A parent that has rehearsed spares its children what made the slowest hundredth before: V8 optimised Node's own HTTP code in each of them. Of 1,000 requests on Node 20 it still optimises some dozen functions in the child, and throws two away. Every fourteenth request contains a collection of the young generation, of 0.3 ms; first writes to pages that are shared, 2 to 4 µs each, come on top; more was not taken apart. Without the rehearsal it was 0.7 to 0.95; with only one connection in it nothing is won, since V8 changes its mind about what a socket is until it has seen some ten.",
  },
  {
    figure: 'time of a hot function in the child : in the parent (the worse of compiled before and after)',
    limit: atMost(1.03),
    value: (s) => largest(s.ratio('jit before', 'jit parent'), s.ratio('jit after', 'jit parent')),
    missed: 'It has not been looked into yet.',
  },
  {
    figure: 'growth by 10,000 forks: descriptors and mappings',
    limit: atMost(0),
    value: (s) => {
      const grown = (name) => s.median(`growth ${name} after`) - s.median(`growth ${name} before`);
      return s.median('growth rss after') === undefined
        ? undefined
        : Math.max(grown('descriptors'), grown('mappings'));
    },
    missed: '',
  },
];
