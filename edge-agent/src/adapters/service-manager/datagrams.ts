/** Datagrams to a Unix socket, which Node.js itself cannot send: by the C library, through koffi. */
import { endianness } from 'node:os';

/** What stands in the way, in the system's word (`ECONNREFUSED`, `EAGAIN`); undefined when it was sent. */
export type Send = (text: string) => string | undefined;

const unixFamily = 1;
const datagramType = 2;
const closeOnExec = 0o2000000;
/** MSG_DONTWAIT and MSG_NOSIGNAL: a service manager that does not read must never hold up a gate. */
const sendFlags = 0x40 | 0x4000;
const maxPathBytes = 107;

/**
 * @param path of the socket; `@NAME` for an abstract one
 * @throws Error when koffi is not installed, or the C library cannot be used.
 */
export async function openDatagrams(path: string): Promise<Send> {
  const address = socketAddress(path);
  const { default: koffi } = await import('koffi');
  // The C library is in the process already, whatever it is called here.
  const library = koffi.load(null);
  const openSocket = library.func('int socket(int, int, int)') as (...numbers: number[]) => number;
  const sendTo = library.func('long sendto(int, const void *, size_t, int, const void *, uint32_t)') as (
    socket: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ) => number;
  const problem = (): string => {
    const number = koffi.errno();
    return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${String(number)}`;
  };
  const socket = openSocket(unixFamily, datagramType | closeOnExec, 0);
  if (socket < 0) throw new Error(`no Unix socket can be opened: ${problem()}`);
  return (text) => {
    const bytes = Buffer.from(text);
    return sendTo(socket, bytes, bytes.length, sendFlags, address, address.length) < 0 ? problem() : undefined;
  };
}

/** A `sockaddr_un`. */
function socketAddress(path: string): Uint8Array {
  const isAbstract = path.startsWith('@');
  if (!isAbstract && !path.startsWith('/')) throw new Error(`${path} is not the path of a Unix socket`);
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > maxPathBytes + 1) throw new Error(`${path} is too long for the path of a Unix socket`);
  const family = Buffer.alloc(2);
  if (endianness() === 'LE') family.writeUInt16LE(unixFamily);
  else family.writeUInt16BE(unixFamily);
  return Buffer.concat([family, name]);
}
