/** What the character device needs of the machine: calls of the C library by `koffi`, readiness by `epoll`. Both are loaded only when they are wanted. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { GpioError } from '../gpio-error.js';

/** Errors carry the `code` of the system, such as `EBUSY`. */
export interface GpioSystem {
  /** Paths of the devices. */
  devices(): readonly string[];
  open(path: string): number;
  close(file: number): void;
  /** Reads and writes `argument` in place. */
  control(file: number, request: number, argument: Uint8Array): void;
  /** Answers how many bytes were read; waits if there are none. */
  read(file: number, into: Uint8Array): number;
  /** Calls back as long as there is something to read, and with an error as long as there will be nothing any more. Answers how to end it. */
  watch(file: number, onReadable: (error: Error | null) => void): () => void;
  /** CLOCK_MONOTONIC. */
  nowNs(): bigint;
}

const devices = '/dev';

export async function loadGpioSystem(): Promise<GpioSystem> {
  const { koffi, Epoll } = await loadPackages();
  // null: what the program has loaded, and with that the C library, whatever its file is called.
  const ioctl = koffi.load(null).func('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)') as (
    file: number,
    request: number,
    argument: Uint8Array,
  ) => number;

  return {
    devices: () =>
      readdirSync(devices)
        .filter((name) => /^gpiochip\d+$/.test(name))
        .sort()
        .map((name) => `${devices}/${name}`),
    open: (path) => openSync(path, 'r+'),
    close: closeSync,
    control(file, request, argument) {
      if (ioctl(file, request, argument) >= 0) return;
      const code = getSystemErrorName(-koffi.errno());
      throw Object.assign(new Error(`${code}: ioctl`), { code });
    },
    read: (file, into) => readSync(file, into),
    watch(file, onReadable) {
      let isWatched = true;
      const poller = new Epoll((error, _file, events) => {
        const isOver = (events & (Epoll.EPOLLERR | Epoll.EPOLLHUP)) !== 0;
        onReadable(isOver ? Object.assign(new Error('ENODEV: nothing to read any more'), { code: 'ENODEV' }) : error);
      });
      poller.add(file, Epoll.EPOLLIN);
      return () => {
        if (isWatched) poller.remove(file).close();
        isWatched = false;
      };
    },
    nowNs: () => process.hrtime.bigint(),
  };
}

/** The part of the `epoll` package that is used; it brings no types. */
interface EpollModule {
  readonly Epoll: {
    readonly EPOLLIN: number;
    readonly EPOLLERR: number;
    readonly EPOLLHUP: number;
    new (callback: (error: Error | null, file: number, events: number) => void): EpollInstance;
  };
}

interface EpollInstance {
  add(file: number, events: number): this;
  remove(file: number): this;
  close(): void;
}

const require = createRequire(import.meta.url);

async function loadPackages() {
  try {
    const { default: koffi } = await import('koffi');
    const { Epoll } = require('epoll') as EpollModule;
    return { koffi, Epoll };
  } catch (error) {
    throw new GpioError(
      'the character device of GPIO needs the npm packages "koffi" and "epoll", of which one is not installed or was not built here: run "npm install koffi epoll" (epoll needs a C++ compiler, make and python3)',
      { cause: error },
    );
  }
}
