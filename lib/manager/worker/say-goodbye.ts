/** How a connection that lasts is closed from this side, in the words of its protocol where they are known. */
import type { Connection } from './connections';

/** RFC 6455, 7.4.1: "going away", such as a server going down. */
const GOING_AWAY = 1001;

/** Of the package ws, which leaves its WebSocket on the socket under a symbol of that name. */
interface WebSocket {
  close(code: number, reason: string): void;
}

export function sayGoodbye({ session, talk, socket }: Connection): void {
  if (session !== undefined) {
    session.destroy();
    return;
  }
  const own = talk ?? socket;
  const webSocket = webSocketOn(own);
  if (webSocket !== undefined) webSocket.close(GOING_AWAY, 'Going away');
  else own.destroySoon();
}

function webSocketOn(socket: object): WebSocket | undefined {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    if (symbol.description !== 'websocket') continue;
    const value: unknown = Reflect.get(socket, symbol);
    if (typeof (value as Partial<WebSocket> | null)?.close === 'function') return value as WebSocket;
  }
  return undefined;
}
