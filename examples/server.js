// A pre-fork HTTP server: one worker for each processor, and a new one for each that dies.
//
//     npm start              PORT=8888 is the default
//     curl localhost:8888    hello from worker 12346
const { createServer } = require('node:http');
const { availableParallelism } = require('node:os');
const { addSockets, bindSockets, fork, wait, waitstatusToExitcode } = require('prefork');

const sockets = bindSockets(Number(process.env.PORT ?? 8888));
const workers = new Set();
let stopping = false;

/** True in each worker; false in the parent, when it was told to stop and the last worker has ended. */
function isWorker() {
  while (!stopping || workers.size > 0) {
    while (!stopping && workers.size < availableParallelism()) {
      const pid = fork();
      if (pid === 0) return true;
      workers.add(pid);
    }
    const [pid, status] = wait(); // signal listeners run meanwhile
    workers.delete(pid);
    if (!stopping) console.log(`worker ${pid} ended (${waitstatusToExitcode(status)}), starting another`);
  }
  return false;
}

let stop = () => {
  stopping = true;
  for (const pid of workers) process.kill(pid, 'SIGTERM');
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop(signal));

console.log(`http://localhost:${sockets[0].address().port}, parent ${process.pid}`);
if (isWorker()) {
  const server = createServer((_request, response) => response.end(`hello from worker ${process.pid}\n`));
  addSockets(server, sockets);
  // Ctrl-C reaches the workers, too; they wait for the parent's SIGTERM.
  stop = (signal) => signal === 'SIGTERM' && server.close();
}
