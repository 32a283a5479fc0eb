/** A Unix socket that takes datagrams, which Node.js has not: what a service manager listens on. */
import koffi from 'koffi';

export interface DatagramSocket {
  /** What has come since the last call, oldest first. */
  received(): string[];
  close(): void;
}

const library = koffi.load(null);
const open = library.func('int socket(int, int, int)') as (...numbers: number[]) => number;
const bind = library.func('int bind(int, const void *, uint32_t)') as (...args: unknown[]) => number;
const receive = library.func('long recv(int, _Out_ void *, size_t, int)') as (...args: unknown[]) => number;
const closeDescriptor = library.func('int close(int)') as (descriptor: number) => number;
const dontWait = 0x40;

/** @param path below 108 bytes; `@NAME` for an abstract one */
export function openDatagramSocket(path: string): DatagramSocket {
  const name = path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`;
  const address = Buffer.concat([Buffer.from(new Uint16Array([1]).buffer), Buffer.from(name)]);
  const descriptor = open(1, 2 | 0o2000000, 0);
  if (descriptor < 0 || bind(descriptor, address, address.length) < 0) throw new Error(`cannot listen on ${path}`);
  const buffer = Buffer.alloc(4_096);
  return {
    received() {
      const texts: string[] = [];
      for (;;) {
        const length = receive(descriptor, buffer, buffer.length, dontWait);
        if (length < 0) return texts;
        texts.push(buffer.toString('utf8', 0, length));
      }
    },
    close() {
      closeDescriptor(descriptor);
    },
  };
}
