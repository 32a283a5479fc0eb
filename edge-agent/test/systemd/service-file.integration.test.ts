/**
 * The service as systemd reads it, without systemd running.
 *
 * @needs systemd
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '..', 'systemd');
const service = readFileSync(join(folder, 'gatehouse-edge.service'), 'utf8');
/** Of ten, as systemd-analyze counts: 10 is a service that may do everything. */
const maxExposure = 2;

interface Assessment {
  readonly set: boolean | null;
  readonly name: string;
}

describe('the service file of the edge agent', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'gatehouse-unit-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  const analyze = (text: string, ...args: string[]): { code: number | null; output: string } => {
    const path = join(directory, 'gatehouse-edge.service');
    // A program that is not installed here would be all that is found wrong.
    writeFileSync(path, text.replaceAll('/usr/lib/gatehouse-edge/bin/node', '/bin/true'));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['--no-pager', ...args, path], {
      encoding: 'utf8',
    });
    return { code: status, output: `${stdout}${stderr}` };
  };
  const verify = (text: string) => analyze(text, 'verify', '--man=no');
  const security = (text: string, ...args: string[]) => analyze(text, 'security', '--offline=true', ...args);

  it('has nothing in it that systemd does not know', () => {
    expect(verify(service)).toEqual({ code: 0, output: '' });
    expect(verify(`${service}\nWatchdogSeconds=10\n`).output).toMatch(/Unknown key.* 'WatchdogSeconds'/);
  });

  it(`is exposed to at most ${String(maxExposure)} of 10`, () => {
    const threshold = `--threshold=${String(maxExposure * 10)}`;
    const { code, output } = security(service, threshold);
    expect(code === 0 ? '' : output).toBe('');
    expect(security(service.replace(/^CapabilityBoundingSet=$/m, ''), threshold).code).not.toBe(0);
  });

  it('leaves open what the agent needs, and nothing else', () => {
    const { output } = security(service, '--json=short');
    const open = (JSON.parse(output) as Assessment[]).filter(({ set }) => set === false).map(({ name }) => name);
    expect(open.sort()).toEqual([
      'DeviceAllow=',
      'IPAddressDeny=',
      'MemoryDenyWriteExecute=',
      'NotifyAccess=',
      'PrivateDevices=',
      'PrivateNetwork=',
      'PrivateUsers=',
      'ProcSubset=',
      'ProtectKernelTunables=',
      'RestrictAddressFamilies=~AF_(INET|INET6)',
      'RestrictAddressFamilies=~AF_NETLINK',
      'RestrictAddressFamilies=~AF_UNIX',
      'RootDirectory=/RootImage=',
      'SupplementaryGroups=',
    ]);
  });

  it('gives the heap of JavaScript half of the memory at which it is held back, and that fits half a small board', () => {
    const heapMegabytes = Number(/^ExecStart=.*--max-old-space-size=(\d+) /m.exec(service)?.[1]);
    const highMegabytes = Number(/^MemoryHigh=(\d+)M$/m.exec(service)?.[1]);
    const maxMegabytes = Number(/^MemoryMax=(\d+)M$/m.exec(service)?.[1]);
    expect(heapMegabytes).toBeLessThanOrEqual(highMegabytes / 2);
    expect(highMegabytes).toBeLessThan(maxMegabytes);
    expect(maxMegabytes).toBeLessThanOrEqual(256);
  });
});
