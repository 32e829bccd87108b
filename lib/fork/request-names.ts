/** What people call the requests that Node has its own names for (lib/internal/*, src/*_wrap.cc). */
const NAMES: Partial<Record<string, string>> = {
  FSReqCallback: 'a call of fs',
  FSReqPromise: 'a call of fs.promises',
  FileHandleCloseReq: 'close() of a FileHandle',
  StatWatcher: 'fs.watchFile()',
  GetAddrInfoReqWrap: 'dns.lookup()',
  GetNameInfoReqWrap: 'dns.lookupService()',
  TCPConnectWrap: 'a connection being made',
  PipeConnectWrap: 'a connection being made',
  ShutdownWrap: 'end() of a stream',
  WriteWrap: 'write() to a stream',
  SendWrap: 'send() of a datagram',
};

/** As the program would say it: `dns.lookup() (GetAddrInfoReqWrap)`. */
export function nameOfRequest(className: string): string {
  const name = NAMES[className];
  return name === undefined ? className : `${name} (${className})`;
}

/** Resources of async_hooks that are requests of libuv's. */
export function isRequest(type: string): boolean {
  return /REQ(UEST|CALLBACK|PROMISE|WRAP)?$|^(TCPCONNECTWRAP|PIPECONNECTWRAP|SHUTDOWNWRAP|WRITEWRAP|UDPSENDWRAP)$/.test(
    type,
  );
}
