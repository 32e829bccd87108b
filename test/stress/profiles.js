/**
 * What runs beside the forks. `share`: of all forks, in percent. `together`: children alive at once.
 * `workers`: kinds of busy.js, each a worker thread that never pauses. `from`: the thread that forks.
 */
module.exports = {
  calm: { share: 26, together: 6, workers: [] },
  inFlight: { share: 8, together: 4, workers: [], inFlight: 50 },
  allocating: { share: 8, together: 4, workers: ['allocate', 'allocate'] },
  spawning: { share: 8, together: 4, workers: ['spawn'] },
  startingWorkers: { share: 8, together: 4, workers: ['worker'] },
  compiling: { share: 8, together: 4, workers: ['compile'] },
  reading: { share: 8, together: 4, workers: ['read'] },
  connecting: { share: 8, together: 4, workers: ['connect', 'derive'] },
  fromWorkers: { share: 8, together: 1, workers: ['read'], from: 'workers' },
  torture: {
    share: 10,
    together: 3,
    workers: ['allocate', 'spawn', 'worker', 'compile', 'read', 'connect', 'derive'],
  },
};
