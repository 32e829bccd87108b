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
      'What `fork()` does beyond the clone is to find the mappings that V8 has marked, which takes time by mapping, and to stop the threads. A kernel that showed the mark in /proc/self/maps, or in PROCMAP_QUERY, would save the second look.',
  },
  {
    figure: 'fork() to the first line of the child, empty heap, ms',
    limit: atMost(1.5),
    value: (s) => s.median('fork 0'),
    missed:
      'Nearly all of it is page faults: a child that runs JavaScript touches some 250 pages for the first time, at about 2.5 µs each on this machine. Fewer pages would mean less of V8 and of the C library between the clone and the first line; larger pages for the text of Node, a kernel that maps file pages in larger folios.',
  },
  {
    figure: "fork() : CPython's os.fork in a Tornado process",
    limit: atMost(1),
    value: (s) => s.ratio('fork 0', 'tornado'),
    missed:
      'CPython has one thread and no event loop to renew, and its interpreter fits into fewer pages. See the row above.',
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
      'After a fork the memory is shared until it is written, and `spawn()` writes: in the parent as long as the child lives.',
  },
  {
    figure: 'cluster.fork() to listening : fork() to listening, trivial server',
    limit: atLeast(40),
    value: (s) => s.ratio('cluster listening trivial', 'prefork listening trivial'),
    missed:
      'The time is that of the fork and of `http.createServer()`, which the child calls for the first time: called once in the parent it is compiled before the fork.',
  },
  {
    figure: 'cluster.fork() to listening : fork() to listening, Express with 300 modules',
    limit: atLeast(200),
    value: (s) => s.ratio('cluster listening express', 'prefork listening express'),
    missed:
      'A new process loads 300 modules quickly when their files are in memory, so that the quotient says more of the modules than of the fork; with modules that do more when they are loaded it is larger.',
  },
  {
    figure: "private memory of a worker : a cluster worker's, trivial server",
    limit: atMost(0.333),
    value: (s) => s.ratio('memory trivial prefork warmup', 'memory trivial cluster-rr'),
    missed:
      'Most of it is the young generation, which every process needs for itself, and pages of old space in which a collection sets marks.',
  },
  {
    figure: 'private memory of a worker with 400 MB of data, MB',
    limit: atMost(30),
    value: (s) => s.median('memory data prefork warmup'),
    missed:
      'A full collection in a worker writes its marks beside all objects, and what it moves or sweeps it writes. `--max-semi-space-size` puts it off.',
  },
  {
    figure: 'connections per second : cluster round-robin, 2 and 4 workers (the worse)',
    limit: atLeast(1.4),
    value: (s) => smallest(...[2, 4].map((n) => s.ratio(`close prefork ${n}`, `close cluster-rr ${n}`))),
    missed: 'The client takes one of the two processors.',
  },
  {
    figure: 'µs of the parent for a connection',
    limit: atMost(0),
    value: (s) => largest(...[2, 4].map((n) => s.median(`parent prefork ${n}`))),
    missed: 'The parent has no part in it: what is seen is its waiting for its children.',
  },
  {
    figure: "requests per second, keep-alive : the better of cluster's two (the worse)",
    limit: atLeast(1),
    value: (s) =>
      smallest(
        ...[2, 4].map((n) => {
          const cluster = largest(
            s.median(`keep-alive cluster-rr ${n}`),
            s.median(`keep-alive cluster-shared ${n}`),
          );
          const own = s.median(`keep-alive prefork ${n}`);
          return cluster === undefined || own === undefined ? undefined : own / cluster;
        }),
      ),
    missed:
      'With one shared socket most connections may go to one worker; with a socket each they are spread by a hash.',
  },
  {
    figure: 'spread over 4 workers, 64 connections, a socket each',
    limit: atMost(1.15),
    value: (s) => s.median('spread prefork-perWorker 64'),
    missed:
      'The kernel chooses the socket by a hash of the addresses, which is even for many connections only. A BPF program that counts (SO_ATTACH_REUSEPORT_EBPF) would be exact; it needs CAP_BPF.',
  },
  {
    figure: 'spread over 4 workers, 1,000 connections, a socket each',
    limit: atMost(1.15),
    value: (s) => s.median('spread prefork-perWorker 1000'),
    missed: 'As above: by chance, 250 connections differ by some 14 from worker to worker.',
  },
  {
    figure: 'p99 of the first 1,000 requests of a new worker : of a new cluster worker',
    limit: atMost(0.333),
    value: (s) => {
      const [own, cluster] = [s.median('p99 prefork'), best(s, 'p99 cluster-rr', 'p99 cluster-shared')];
      return own === undefined || cluster === undefined ? undefined : own / cluster;
    },
    missed:
      'The slowest of a thousand requests are those in which garbage is collected, which is the same in both.',
  },
  {
    figure: 'time of a hot function in the child : in the parent (the worse of compiled before and after)',
    limit: atMost(1.03),
    value: (s) => largest(s.ratio('jit before', 'jit parent'), s.ratio('jit after', 'jit parent')),
    missed: 'The code is the same; the difference is that of two measurements.',
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
