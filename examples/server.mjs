// A pre-fork HTTP server as Tornado has it: one worker for each processor, and a new one for each that dies.
//
//     npm start              PORT=8888 is the default
//     curl localhost:8888    hello from worker 12346
import { bindSockets, forkProcesses, HTTPServer, setParentDeathSignal } from 'prefork';

const parent = process.pid;
const sockets = bindSockets(Number(process.env.PORT ?? 8888));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit());
console.log(`http://localhost:${sockets[0].address().port}, parent ${parent}`);

forkProcesses(0); // the parent stays in here; what follows runs in the workers

setParentDeathSignal('SIGTERM'); // Tornado's workers would outlive their parent
if (process.ppid !== parent) process.exit(); // it has ended before
const server = new HTTPServer((_request, response) => response.end(`hello from worker ${process.pid}\n`));
server.addSockets(sockets);
