/** A connection that is being made is seen, whichever way the system lets one look. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../../lib/base/binding';
import { handshakes } from '../../../lib/manager/worker/handshakes';
import { bindSockets } from '../../../lib/netutil';

const [IPPROTO_TCP, TCP_DEFER_ACCEPT] = [6, 9];

/** For the kernel the handshake is under way until the client sends something (TCP_DEFER_ACCEPT, tcp(7)). */
async function halfOpen(host: string): Promise<number> {
  const [socket] = bindSockets(0, host);
  if (socket === undefined) throw new Error('no socket');
  onTestFinished(() => socket.close());
  expect(binding.socket_setsockopt(socket.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30)).toBe(0);
  const { port } = socket.address() as { port: number };
  const client = connect(port, host);
  onTestFinished(() => void client.destroy());
  await once(client, 'connect');
  return port;
}

const ways = {
  'by asking the kernel': () => {},
  'in its tables, if nobody may ask': () => {
    const forbidden = vi.spyOn(binding, 'socket_handshakes').mockReturnValue(-constants.errno.EPERM);
    onTestFinished(() => forbidden.mockRestore());
  },
};

test.each(Object.entries(ways))('%s', async (_, prepare) => {
  prepare();
  const [port4, port6] = [await halfOpen('127.0.0.1'), await halfOpen('::1')];
  const [one, other] = [handshakes(new Set([port4])), handshakes(new Set([port6]))];
  expect([one.size, other.size]).toEqual([1, 1]);
  expect(handshakes(new Set([port4, port6]))).toEqual(new Set([...one, ...other]));
  expect(handshakes(new Set())).toEqual(new Set());
});
