/** HTTP/2 clients are told that no more streams should be opened, before they are told which was the last (RFC 9113, 6.8). */
import type { Http2Session } from './connections';

/**
 * GOAWAY with the highest number of a stream, and no error: "shutdown is imminent". What the client has opened until it
 * reads this is served. After a GOAWAY that is sent through node:http2, nghttp2 ignores what is opened, whatever number
 * was given; its nghttp2_submit_shutdown_notice() is not to be had from JavaScript.
 */
const SHUTDOWN_NOTICE = Buffer.from('0000080700000000007fffffff00000000', 'hex');

interface Talk {
  write(frame: Buffer): void;
  readonly writable: boolean;
}

/**
 * @param talk what the session speaks on. Node writes whole frames to it, so that this one comes between two of them
 * @param done called when the client opens no more, and all that it has opened has come
 */
export function expectNoMoreStreams(session: Http2Session, talk: Talk, done: () => void): void {
  const notify = () => {
    if (!talk.writable) return;
    talk.write(SHUTDOWN_NOTICE);
    afterTwoAnswers(session, done);
  };
  // The settings have to come first.
  if (session.pendingSettingsAck) session.once('localSettings', notify);
  else notify();
}

/**
 * A client that answers a PING has read what came before it. The first answer may overtake streams that were waiting to be sent
 * when it read the notice, as nghttp2 sends answers first; the second comes after them.
 */
function afterTwoAnswers(session: Http2Session, done: () => void): void {
  ping(session, () => ping(session, done));
}

function ping(session: Http2Session, answered: () => void): void {
  if (session.destroyed) return;
  session.ping((error) => {
    if (error === null) answered();
  });
}
