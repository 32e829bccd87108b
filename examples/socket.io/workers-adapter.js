// An adapter for Socket.IO over all workers of `prefork`: rooms, broadcasts, fetchSockets() and serverSideEmit() reach the clients of
// each of them, past the manager and without a server such as Redis.
const { randomUUID } = require('node:crypto');
const { broadcast, registerAtFork, scoreboard } = require('prefork');
const { ClusterAdapter } = require('socket.io-adapter');

class WorkersAdapter extends ClusterAdapter {
  #channel;

  constructor(namespace) {
    super(namespace);
    // It is made in the template, and copied to each worker: each goes by a name of its own.
    registerAtFork({
      afterInChild: () => {
        this.uid = randomUUID();
      },
    });
    this.#channel = broadcast(`socket.io ${namespace.name}`);
    this.#channel.onmessage = ({ data: { to, message, response } }) => {
      if (message !== undefined) this.onMessage(message);
      else if (to === this.uid) this.onResponse(response);
    };
  }

  /** Those that answer when all are asked. */
  async serverCount() {
    return Math.max(1, scoreboard().filter(({ state }) => state !== 'booting').length);
  }

  async doPublish(message) {
    this.#channel.postMessage({ message });
    return ''; // no offset: nothing is kept for clients that come back
  }

  async doPublishResponse(to, response) {
    this.#channel.postMessage({ to, response });
  }
}

module.exports = { WorkersAdapter };
