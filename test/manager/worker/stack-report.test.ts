/** The report of a hung worker names the requests that it has in hand, and for how long. */
import { connect } from 'node:http2';
import { expect, test } from 'vitest';
import { serve } from '../../helpers/served';

const OPTIONS = ['-w', '1', '--hang-timeout', '2s'];

const ANSWER = `(request, response) => {
  if (request.url.startsWith('/block')) setTimeout(function blocks() { for (;;); }, 0);
  else if (request.url !== '/waits') response.end();
  console.log('has ' + request.url);
}`;

function start(type: string) {
  const app = `require('node:${type}').createServer(${ANSWER}).listen(0, '127.0.0.1');`;
  return serve(['app.js', ...OPTIONS], { files: { 'app.js': app }, until: /1 worker ready/ });
}

test('Over HTTP/1: those that are not answered, without their queries.', async () => {
  const served = await start('http');
  await served.ask('/done');
  const waits = served.ask('/waits').catch(() => 'cut');
  await served.until(/has \/waits/);
  const blocks = served.ask('/block?token=secret').catch(() => 'cut');
  await served.until(/Requests in hand: .*\n/);
  expect(served.log).toMatch(
    /is blocked at .*blocks .*app\.js:[\s\S]*\nRequests in hand: GET \/waits for \d+ m?s, GET \/block\?… for \d+ m?s\n/,
  );
  expect(served.log).not.toContain('secret');
  expect(await Promise.all([waits, blocks])).toEqual(['cut', 'cut']);
  expect(await served.stop()).toBe('status 0');
});

test('Over HTTP/2, at most ten of them.', async () => {
  const served = await start('http2');
  const session = connect(`http://127.0.0.1:${served.ports[0]}`);
  session.on('error', () => {});
  for (let i = 0; i < 12; i++)
    session
      .request({ ':path': '/waits' })
      .on('error', () => {})
      .resume();
  await served.until(/has \/waits/, 12);
  session
    .request({ ':path': '/block', ':method': 'POST' })
    .on('error', () => {})
    .resume();
  await served.until(/Requests in hand: .*\n/);
  expect(served.log.replaceAll(/ for \d+ m?s/g, '')).toContain(
    `\nRequests in hand: ${Array(10).fill('GET /waits').join(', ')}, and 3 more\n`,
  );
  session.destroy();
  expect(await served.stop()).toBe('status 0');
});
