// The "Get started" of its documentation.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';

const server = new ApolloServer({
  typeDefs: 'type Query { pid: String }',
  resolvers: { Query: { pid: () => `pid ${process.pid}` } },
});
const { url } = await startStandaloneServer(server, {
  listen: { port: Number(process.env.PORT), host: '127.0.0.1' },
});
console.log(`Server ready at ${url}`);
