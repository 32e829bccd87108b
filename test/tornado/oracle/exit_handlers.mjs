// Exit handlers run at sys.exit, at an error and at the end, not at os._exit. argv: max_restarts, then one way a child.
import { forkProcesses, taskId } from 'prefork/process';
import { end, say } from './configure.mjs';

const [maxRestarts, ...ways] = process.argv.slice(2);
process.on('exit', () => say(`bye ${taskId() ?? 'None'}`));
end(ways[forkProcesses(ways.length, Number(maxRestarts))]);
