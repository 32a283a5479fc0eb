import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import { checkBroker } from '../../src/doctor/broker.js';
import { checkClock } from '../../src/doctor/clock.js';
import { checkGpio } from '../../src/doctor/gpio.js';
import type { GpioWorld, WiredGate } from '../../src/doctor/gpio.js';
import { checkCredential } from '../../src/doctor/identity.js';
import { checkOutbox } from '../../src/doctor/outbox.js';
import { checkPage } from '../../src/doctor/page.js';
import { runChecks } from '../../src/doctor/run-checks.js';
import { checkNodeVersion } from '../../src/doctor/software.js';
import { checkStorage } from '../../src/doctor/storage.js';
import type { Mount, StorageWorld } from '../../src/doctor/storage.js';
import type { Finding } from '../../src/doctor/finding.js';

const mebibyte = 1024 * 1024;
const told = (findings: readonly Finding[]): string[] => findings.map(({ check, verdict }) => `${check}: ${verdict}`);
/** Whatever is wrong has a remedy. */
const remediesOf = (findings: readonly Finding[]): boolean[] =>
  findings.filter(({ verdict }) => verdict !== 'pass').map(({ remedy }) => remedy !== undefined);

describe('the doctor on Node.js', () => {
  it.each([
    ['v20.17.0', 'pass'],
    ['v20.16.9', 'fail'],
    ['v18.20.0', 'fail'],
    ['v22.0.0', 'pass'],
  ])('takes %s for a %s', (version, verdict) => {
    expect(checkNodeVersion(version, 'Linux').verdict).toBe(verdict);
  });
});

describe('the doctor on storage', () => {
  const card: Mount = { fileSystem: 'ext4', device: '/dev/mmcblk0p2' };
  const world = (more: Partial<StorageWorld> = {}): StorageWorld => ({
    writeProblem: () => Promise.resolve(undefined),
    readVolume: () => Promise.resolve({ freeBytes: 600 * mebibyte, sizeBytes: 900 * mebibyte }),
    mountOf: () => Promise.resolve(card),
    timeFlushesMs: () => Promise.resolve([9, 2, 3, 1, 40]),
    ...more,
  });
  const check = (more: Partial<StorageWorld> = {}) => checkStorage(world(more), '/data', 512 * mebibyte);
  const flushed = (timesMs: number[], mount?: Mount) =>
    check({
      timeFlushesMs: () => Promise.resolve(timesMs),
      mountOf: () => Promise.resolve(mount),
    }).then((findings) => findings.at(-1));

  it('passes a good card', async () => {
    const findings = await check();
    expect(told(findings)).toEqual(['data directory: pass', 'disk space: pass', 'file system: pass', 'flush: pass']);
    expect(findings.at(-1)?.says).toContain('3.00 ms');
  });

  it.each(['ENOENT', 'EACCES', 'EROFS', 'ENOSPC', 'EWHATEVER'])('fails a directory that answers %s', async (code) => {
    const findings = await check({ writeProblem: () => Promise.resolve(code) });
    expect(told(findings)).toEqual(['data directory: fail']);
    expect(remediesOf(findings)).toEqual([true]);
  });

  it.each([
    [512 * mebibyte, 'pass'],
    [512 * mebibyte - 1, 'warn'],
    [64 * mebibyte, 'warn'],
    [64 * mebibyte - 1, 'fail'],
  ])('of %i bytes free says %s', async (freeBytes, verdict) => {
    const findings = await check({ readVolume: () => Promise.resolve({ freeBytes, sizeBytes: 900 * mebibyte }) });
    expect(told(findings)).toContain(`disk space: ${verdict}`);
  });

  it.each(['tmpfs', 'overlay', 'nfs4', 'cifs', '9p', 'fuse.sshfs'])('warns of %s', async (fileSystem) => {
    const findings = await check({ mountOf: () => Promise.resolve({ fileSystem, device: 'x' }) });
    expect(told(findings)).toContain('file system: warn');
    expect(remediesOf(findings)).toEqual([true]);
  });

  it('doubts a flush that the device cannot make so fast', async () => {
    expect((await flushed([0.29], card))?.verdict).toBe('warn');
    expect((await flushed([0.3], card))?.verdict).toBe('pass');
    expect((await flushed([0.9], { fileSystem: 'ext4', device: '/dev/sda1', isRotational: true }))?.verdict).toBe(
      'warn',
    );
    expect((await flushed([0.9], { fileSystem: 'ext4', device: '/dev/sda1', isRotational: false }))?.verdict).toBe(
      'pass',
    );
    expect((await flushed([0.01]))?.verdict).toBe('warn');
  });

  it('warns of a slow one, and of one that was not measured', async () => {
    expect((await flushed([50]))?.verdict).toBe('pass');
    expect((await flushed([51]))?.verdict).toBe('warn');
    expect((await flushed([]))?.verdict).toBe('warn');
  });
});

describe('the doctor on the credential', () => {
  const edge = { siteId: 'north', edgeId: 'north-1' };
  const credential = { ...edge, username: 'u', password: 'p', mqttUrl: 'mqtt://127.0.0.1:1883' };
  const seen = (content: unknown, mode = 0o100600) =>
    checkCredential('/c', { text: JSON.stringify(content), mode }, edge);

  it('passes a private one of this edge, and never shows its password', () => {
    const { finding, credential: usable } = seen({ ...credential, password: 'hush-hush' });
    expect(finding.verdict).toBe('pass');
    expect(usable?.username).toBe('u');
    expect(JSON.stringify(finding)).not.toContain('hush-hush');
  });

  it('warns when others can read it, and goes on with it', () => {
    const { finding, credential: usable } = seen(credential, 0o100640);
    expect(finding).toMatchObject({ verdict: 'warn', says: 'mode 0640: others can read it' });
    expect(usable).toBeDefined();
  });

  it('fails one that is of another edge, broken, missing or unreadable', () => {
    const results = [
      seen({ ...credential, edgeId: 'north-2' }),
      seen({ ...credential, siteId: 'south' }),
      seen({ siteId: 'north' }),
      checkCredential('/c', { text: 'no JSON', mode: 0o600 }, edge),
      checkCredential('/c', { problem: 'ENOENT' }, edge),
      checkCredential('/c', { problem: 'EACCES' }, edge),
    ];
    expect(results.map(({ finding }) => finding.verdict)).toEqual(Array(6).fill('fail'));
    expect(results.every(({ credential: usable }) => usable === undefined)).toBe(true);
    expect(remediesOf(results.map(({ finding }) => finding))).toEqual(Array(6).fill(true));
  });
});

describe('the doctor on the broker', () => {
  const tried: string[] = [];
  const check = (
    answers: { reach?: string; signIn?: string },
    agent?: { link?: { up: boolean; downReason: string | null } },
    plaintextProblem?: string,
  ) => {
    tried.length = 0;
    const world = {
      reach: () => {
        tried.push('reach');
        return Promise.resolve(answers.reach);
      },
      signIn: () => {
        tried.push('signIn');
        return Promise.resolve(answers.signIn);
      },
    };
    return checkBroker(world, {
      url: 'mqtts://broker:8883',
      plaintextProblem,
      agent: agent === undefined ? undefined : { pid: 7, link: agent.link },
    });
  };

  it('signs in where no agent runs', async () => {
    expect(told(await check({}))).toEqual(['broker: pass']);
    expect(tried).toEqual(['signIn']);
  });

  it('tells a refusal from a broker that is not reached', async () => {
    const refused = await check({ signIn: 'credential refused or revoked: enrol this edge again' });
    expect(refused[0]?.says).toContain('is reached, and does not accept this edge: credential refused');
    const other = await check({ signIn: 'what answers there does not speak MQTT (…)' });
    expect(other[0]?.remedy).toContain('1883');
    const away = await check({ signIn: 'x', reach: 'connect ECONNREFUSED 127.0.0.1:8883' });
    expect(away[0]).toMatchObject({ verdict: 'fail' });
    expect(away[0]?.remedy).toContain('port');
  });

  it('never signs in beside a running agent, which would be thrown out', async () => {
    expect(told(await check({}, { link: { up: true, downReason: null } }))).toEqual(['broker: pass']);
    expect(told(await check({}, { link: { up: false, downReason: 'no answer' } }))).toEqual(['broker: fail']);
    expect(told(await check({}, {}))).toEqual(['broker: warn']);
    expect(told(await check({ reach: 'getaddrinfo ENOTFOUND broker' }, {}))).toEqual(['broker: fail']);
    expect(tried).toEqual(['reach']);
  });

  it('tries nothing that would send the credential in the clear', async () => {
    expect(told(await check({}, undefined, 'would send the credential unencrypted'))).toEqual(['broker: fail']);
    expect(tried).toEqual([]);
  });
});

describe('the doctor on the clock', () => {
  const nowMs = Date.UTC(2026, 5, 1);
  const check = (more: object) => checkClock({ nowMs, isSynchronised: true, hasHardwareClock: true, ...more }).verdict;

  it('passes a synchronised one, warns of one that is not or may not be, fails one out of its time', () => {
    expect(check({})).toBe('pass');
    expect(check({ hasHardwareClock: false })).toBe('pass');
    expect(check({ isSynchronised: false })).toBe('warn');
    expect(check({ isSynchronised: undefined })).toBe('warn');
    expect(check({ nowMs: 0 })).toBe('fail');
    expect(check({ nowMs: Date.UTC(2150, 0, 1) })).toBe('fail');
  });
});

describe('the doctor on the port of the page', () => {
  const check = (problem: string | undefined, more: object = {}) =>
    checkPage(() => Promise.resolve(problem), { host: '127.0.0.1', port: 8_001, isOurs: false, ...more });

  it('passes a free one and the agent’s own, and fails one that another program has', async () => {
    expect(told(await check(undefined))).toEqual(['page: pass']);
    expect(told(await check('EADDRINUSE', { isOurs: true }))).toEqual(['page: pass']);
    expect(told(await check('EADDRINUSE'))).toEqual(['page: fail']);
    expect(told(await check('EADDRINUSE', { port: null }))).toEqual([]);
  });
});

describe('the doctor on the outbox', () => {
  const seen = {
    schemaVersion: 1,
    unsentEvents: 0,
    oldestUnsentAtMs: null,
    verifiedEvents: 4,
    problems: [],
    lost: { events: 0 },
  };
  const minutes = (count: number): number => count * 60_000;

  it('passes none and a whole one, warns of losses and of a long wait, fails a damaged one', () => {
    expect(checkOutbox(null, 0).verdict).toBe('pass');
    expect(checkOutbox(seen, 0).verdict).toBe('pass');
    expect(checkOutbox({ ...seen, unsentEvents: 2, oldestUnsentAtMs: 0 }, minutes(15)).verdict).toBe('pass');
    expect(checkOutbox({ ...seen, unsentEvents: 2, oldestUnsentAtMs: 0 }, minutes(16)).verdict).toBe('warn');
    expect(checkOutbox({ ...seen, lost: { events: 1 } }, 0).verdict).toBe('warn');
    expect(checkOutbox({ ...seen, problems: ['event 2 is missing'] }, 0).verdict).toBe('fail');
  });
});

describe('the doctor on GPIO', () => {
  const pi = { label: 'pinctrl-bcm2711', base: 512, lines: 58 };
  const world = (more: Partial<GpioWorld> = {}): GpioWorld => ({
    findChip: () => Promise.resolve(pi),
    exportProblem: () => Promise.resolve(undefined),
    driverProblem: () => Promise.resolve(undefined),
    ...more,
  });
  const gate = (bcm: number, activeLow = false, arming = 5): WiredGate => ({
    gateId: 'entry',
    chipLabel: undefined,
    inputs: { arming: { bcm: arming } },
    outputs: { open: { bcm, activeLow } },
  });

  it('says nothing where no gate has lines', async () => {
    expect(await checkGpio(world({ exportProblem: () => Promise.resolve('ENOENT') }), [])).toEqual([]);
  });

  it('passes a chip that has all lines', async () => {
    expect(told(await checkGpio(world(), [gate(17)]))).toEqual(['gpio: pass']);
  });

  it('says what is missing: chip, line, permission, sysfs, driver', async () => {
    const none = await checkGpio(world({ findChip: () => Promise.reject(new Error('no GPIO chip')) }), [gate(17)]);
    expect(none).toMatchObject([{ verdict: 'fail', says: 'gate entry: no GPIO chip' }]);
    const line = await checkGpio(world(), [gate(17, false, 58)]);
    expect(line[0]?.says).toBe('gate entry: inputs.arming is BCM 58, and pinctrl-bcm2711 has lines 0 to 57');
    for (const code of ['EACCES', 'ENOENT']) {
      const findings = await checkGpio(world({ exportProblem: () => Promise.resolve(code) }), [gate(17)]);
      expect(findings[0]?.verdict).toBe('fail');
      expect(remediesOf(findings)).toEqual([true]);
      // Without sysfs there are no chips to speak of.
      expect(findings).toHaveLength(code === 'ENOENT' ? 1 : 2);
    }
    const driver = await checkGpio(world({ driverProblem: () => Promise.resolve('not installed') }), [gate(17)]);
    expect(driver[0]).toMatchObject({ verdict: 'fail', says: 'not installed' });
  });

  it.each([
    [8, false, 'fail'],
    [8, true, 'pass'],
    [9, false, 'pass'],
    [9, true, 'fail'],
    [27, true, 'fail'],
    [28, true, 'pass'],
  ])('of an open relay at BCM %i, active low %s, says %s', async (bcm, activeLow, verdict) => {
    expect(told(await checkGpio(world(), [gate(bcm, activeLow)]))).toEqual([`gpio: ${verdict}`]);
  });

  it('knows the pulls of a Raspberry Pi only', async () => {
    const other = world({ findChip: () => Promise.resolve({ label: 'gpio-sim', base: 0, lines: 32 }) });
    expect(told(await checkGpio(other, [gate(8)]))).toEqual(['gpio: pass']);
  });
});

describe('checks together', () => {
  it('go on when one throws and one never ends, within the bound', async () => {
    const clock = createVirtualClock({ wallMs: 0 });
    const pass: Finding = { check: 'good', verdict: 'pass', says: 'fine' };
    const findings = runChecks(
      [
        { name: 'hangs', run: () => new Promise<Finding[]>(() => undefined) },
        { name: 'throws', run: () => Promise.reject(new Error('no such thing')) },
        { name: 'good', run: () => Promise.resolve([pass]) },
      ],
      5_000,
      clock,
    );
    clock.advance(5_000);
    expect(told(await findings)).toEqual(['hangs: fail', 'throws: fail', 'good: pass']);
  });
});
