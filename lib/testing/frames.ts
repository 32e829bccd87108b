/** Messages over a stream socket: four bytes that say how long the rest is, then what v8.serialize() has made of one. */
import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';

const HEAD = 4;

/** Throws what cannot be cloned, as process.send() does. */
export function frame(message: unknown): Buffer {
  const body = serialize(message);
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
}

/** Throws as `frame()`. */
export function writeFrame(socket: Socket, message: unknown): void {
  socket.write(frame(message));
}

/** Calls back for each message, in order. */
export function readFrames(socket: Socket, onMessage: (message: unknown) => void): void {
  let chunks: Buffer[] = [];
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    while (size >= HEAD) {
      // Joined only when something is whole: a large message comes in many parts.
      const first = chunks[0] as Buffer;
      const bytes = first.length >= HEAD ? first : Buffer.concat(chunks);
      const end = HEAD + bytes.readUInt32LE();
      if (size < end) return;
      const whole = chunks.length === 1 ? bytes : Buffer.concat(chunks);
      chunks = whole.length === end ? [] : [whole.subarray(end)];
      size -= end;
      onMessage(deserialize(whole.subarray(HEAD, end)));
    }
  });
}
