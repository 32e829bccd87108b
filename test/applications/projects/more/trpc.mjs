import { initTRPC } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';

const trpc = initTRPC.create();
const router = trpc.router({ pid: trpc.procedure.query(() => `pid ${process.pid}`) });
createHTTPServer({ router }).listen(Number(process.env.PORT), '127.0.0.1');
