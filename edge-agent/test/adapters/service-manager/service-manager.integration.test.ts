/**
 * Notices as systemd gets them: datagrams to a real Unix socket, and by systemd's own program.
 *
 * @needs systemd
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import type { Logger } from '@gatehouse/shared';
import { connectServiceManager } from '../../../src/adapters/service-manager/index.js';
import { openProgramNotices } from '../../../src/adapters/service-manager/program.js';
import { describeServiceManager } from '../../conformance/service-manager.js';
import { openDatagramSocket } from '../support/datagram-socket.js';
import type { DatagramSocket } from '../support/datagram-socket.js';
import { eventually } from '../support/eventually.js';

describeServiceManager('at a Unix socket', async (watchdogMs) => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-notify-'));
  const path = join(directory, 'notify');
  const socket = openDatagramSocket(path);
  const texts: string[] = [];
  const environment = {
    NOTIFY_SOCKET: path,
    WATCHDOG_USEC: watchdogMs === null ? undefined : String(watchdogMs * 1_000),
    WATCHDOG_PID: '4711',
  };
  return {
    manager: await connectServiceManager({ environment, pid: 4711, logger: silentLogger }),
    received: () => {
      texts.push(...socket.received());
      return texts;
    },
    remove: async () => {
      socket.close();
      rmSync(directory, { recursive: true });
    },
  };
});

describe('the service manager of this process', () => {
  let directory: string;
  let path: string;
  let socket: DatagramSocket;
  let lines: string[];
  let logger: Logger;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'gatehouse-notify-'));
    path = join(directory, 'notify');
    socket = openDatagramSocket(path);
    lines = [];
    const line = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
    logger = { ...silentLogger, info: line, warn: line, error: line };
  });
  afterEach(() => {
    socket.close();
    rmSync(directory, { recursive: true });
  });
  const connect = (environment: Record<string, string>) => connectServiceManager({ environment, pid: 4711, logger });

  it('is nobody where none has set its socket', async () => {
    const manager = await connect({ WATCHDOG_USEC: '30000000' });
    expect(manager.watchdogMs).toBeNull();
    manager.tell({ ready: true });
    expect([socket.received(), lines]).toEqual([[], []]);
  });

  it('watches not this process where another one is named, or the interval is no number', async () => {
    const watchdogOf = async (more: Record<string, string>) =>
      (await connect({ NOTIFY_SOCKET: path, ...more })).watchdogMs;
    expect(await watchdogOf({ WATCHDOG_USEC: '30000000' })).toBe(30_000);
    expect(await watchdogOf({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' })).toBeNull();
    expect(await watchdogOf({ WATCHDOG_USEC: '0' })).toBeNull();
    expect(await watchdogOf({ WATCHDOG_USEC: 'often' })).toBeNull();
  });

  it('may listen at an abstract address', async () => {
    const name = `@gatehouse-${String(process.pid)}-${String(performance.now())}`;
    const abstract = openDatagramSocket(name);
    (await connect({ NOTIFY_SOCKET: name })).tell({ ready: true });
    expect(abstract.received()).toEqual(['READY=1']);
    abstract.close();
  });

  it('neither throws nor fills the log when it has gone, and is told again when it is back', async () => {
    const manager = await connect({ NOTIFY_SOCKET: path });
    socket.close();
    rmSync(path);
    for (let count = 0; count < 5; count += 1) manager.tell({ alive: true });
    expect(lines).toEqual(['the service manager took no notice {"problem":"ENOENT"}']);
    socket = openDatagramSocket(path);
    manager.tell({ alive: true });
    expect(socket.received()).toEqual(['WATCHDOG=1']);
    expect(lines).toHaveLength(2);
  });

  it('holds nothing up when it does not read', async () => {
    const manager = await connect({ NOTIFY_SOCKET: path });
    for (let count = 0; count < 20_000; count += 1) manager.tell({ alive: true });
    expect(lines).toEqual(['the service manager took no notice {"problem":"EAGAIN"}']);
    expect(socket.received().length).toBeGreaterThan(0);
  });

  it('is told by its own program where no datagram can be sent', async () => {
    const results: (string | undefined)[] = [];
    const environment = { PATH: process.env.PATH, NOTIFY_SOCKET: path };
    const notices = await openProgramNotices((problem) => void results.push(problem), environment);
    notices.tell('READY=1\nSTATUS=starts');
    notices.tell('STATUS=one');
    notices.tell('WATCHDOG=1\nSTATUS=two');
    const texts: string[] = [];
    // The program waits until all that it sent was read.
    await eventually(() => {
      texts.push(...socket.received());
      return results.length === 2;
    }, 'both runs of the program have ended');
    const told = texts.filter((text) => !text.startsWith('BARRIER=1')).map((text) => text.trim());
    expect(told).toEqual(['READY=1\nSTATUS=starts', 'STATUS=two\nWATCHDOG=1']);
    expect(results).toEqual([undefined, undefined]);
  });

  it('is told by its own program where the address is one that only the program knows, and that is logged', async () => {
    await connect({ PATH: process.env.PATH ?? '', NOTIFY_SOCKET: 'vsock:2:1234' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('the service manager is told by systemd-notify');
  });

  it('hears why its program failed', async () => {
    const results: (string | undefined)[] = [];
    const environment = { PATH: process.env.PATH };
    (await openProgramNotices((problem) => void results.push(problem), environment)).tell('READY=1');
    await eventually(() => results.length === 1, 'the program has ended');
    expect(results[0]).toContain('systemd-notify');
  });

  it.each([['vsock:2:1234'], [`/${'x'.repeat(108)}`]])(
    'cannot be told at %s without that program, and that is logged once with what to do',
    async (address) => {
      const manager = await connect({ PATH: '/nowhere', NOTIFY_SOCKET: address });
      manager.tell({ ready: true });
      manager.tell({ alive: true });
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('set Type=exec and WatchdogSec=0');
    },
  );
});
