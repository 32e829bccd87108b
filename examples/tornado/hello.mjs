// Says hello from one process for each processor.
import { once } from 'node:events';
import { HTTPServer, remoteIp } from 'prefork/httpserver';
import { appLog, enablePrettyLogging } from 'prefork/log';
import { bindSockets } from 'prefork/netutil';
import { forkProcesses, taskId } from 'prefork/process';

const GREETINGS = { en: 'Hello', de: 'Hallo', ja: 'こんにちは' };

function hello(request, response) {
  const greeting = GREETINGS[request.url.slice(1)] ?? '?';
  response.end(`${greeting} from worker ${taskId()} to ${remoteIp(request)}\n`);
}

async function serve(sockets) {
  const server = new HTTPServer(hello, { xheaders: true, idleConnectionTimeout: 60 });
  server.addSockets(sockets);

  const stop = once(process, 'SIGTERM');
  appLog.info(`worker ${taskId()} listens`);
  await stop;

  server.stop();
  await server.closeAllConnections();
}

enablePrettyLogging();
const sockets = bindSockets(Number(process.env.PORT ?? 8888));
forkProcesses(0, 10);
await serve(sockets);
