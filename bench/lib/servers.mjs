/** The servers that are compared, and their names in tables. */
import { peers } from './peers.mjs';

export const WAYS = {
  manager: 'the process manager',
  prefork: 'prefork, one shared socket',
  'prefork-perWorker': 'prefork, a socket each',
  'cluster-rr': 'cluster, round-robin',
  'cluster-shared': 'cluster, shared handle',
  pm2: 'PM2, cluster mode',
  gunicorn: 'gunicorn --preload',
  tornado: 'Tornado',
};

export const SPREAD_WAYS = {
  manager: ['manager', [], 'the process manager'],
  sticky: ['manager', ['--sticky', 'ip'], 'the process manager with --sticky ip, one address'],
  balanced: ['manager', ['--balanced'], 'the process manager with --balanced'],
  prefork: ['prefork', [], WAYS.prefork],
  exclusive: ['prefork-exclusive', [], `${WAYS.prefork}, EPOLLEXCLUSIVE`],
  'prefork-perWorker': ['prefork-perWorker', [], WAYS['prefork-perWorker']],
  'cluster-rr': ['cluster-rr', [], WAYS['cluster-rr']],
  'cluster-shared': ['cluster-shared', [], WAYS['cluster-shared']],
};

/** Those that are on this machine. */
export const present = (ways) => ways.filter((way) => peers[way] !== false);
