import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';

const yoga = createYoga({
  schema: createSchema({
    typeDefs: 'type Query { pid: String }',
    resolvers: { Query: { pid: () => `pid ${process.pid}` } },
  }),
});
createServer(yoga).listen(Number(process.env.PORT), '127.0.0.1');
