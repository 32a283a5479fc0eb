import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import { checkBroker } from '../../src/doctor/broker.js';
import { checkClock } from '../../src/doctor/clock.js';
import type { ClockSeen } from '../../src/doctor/clock.js';
import { checkGpio } from '../../src/doctor/gpio.js';
import type { GpioWay, GpioWorld, WiredGate } from '../../src/doctor/gpio.js';
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
  const seen: ClockSeen = {
    ...{ nowMs, isSynchronised: true, keptBy: 'chrony', maxErrorMs: 11.2 },
    ...{ hardwareClock: 'rtc-ds1307', counter: 'arch_sys_counter' },
  };
  const check = (more: Partial<ClockSeen>) => checkClock({ ...seen, ...more });

  it('passes a synchronised one, warns of one that is not or may not be, fails one out of its time', () => {
    expect(check({}).verdict).toBe('pass');
    expect(check({ hardwareClock: null }).verdict).toBe('pass');
    expect(check({ isSynchronised: false }).verdict).toBe('warn');
    expect(check({ isSynchronised: undefined }).verdict).toBe('warn');
    expect(check({ nowMs: 0 }).verdict).toBe('fail');
    expect(check({ nowMs: Date.UTC(2150, 0, 1) }).verdict).toBe('fail');
  });

  it('says who keeps it how well, what it starts from, and what the kernel counts by', () => {
    expect(check({}).says).toBe(
      '2026-06-01T00:00:00.000Z, synchronised by chrony, at most 12 ms off; hardware clock rtc-ds1307; the kernel counts by arch_sys_counter',
    );
    const bare = { keptBy: undefined, maxErrorMs: undefined, hardwareClock: undefined, counter: undefined };
    expect(check(bare).says).toBe('2026-06-01T00:00:00.000Z, synchronised');
    expect(check({ hardwareClock: null }).says).toContain('wrong from a boot until NTP answers');
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
  const pi = { label: 'pinctrl-bcm2711', lines: 58, path: '/dev/gpiochip0' };
  const way = (chip: GpioWay['chip'] = pi): GpioWay => ({ interface: 'character-device', chip });
  const world = (more: Partial<GpioWorld> = {}): GpioWorld => ({
    reach: () => Promise.resolve(way()),
    exportProblem: () => Promise.resolve(undefined),
    packages: () => Promise.resolve([{ names: 'onoff', problem: undefined }]),
    usersOf: () => Promise.resolve(new Map()),
    ...more,
  });
  const gate = (bcm: number, activeLow = false, arming = 5): WiredGate => ({
    ...{ gateId: 'entry', driver: 'gpio', chipLabel: undefined },
    inputs: { arming: { bcm: arming, bias: 'as-is' } },
    outputs: { open: { bcm, activeLow } },
  });
  const check = (more: Partial<GpioWorld> = {}, gates = [gate(17)], agentRuns = false) =>
    checkGpio(world(more), gates, agentRuns);

  it('says nothing where no gate has lines', async () => {
    expect(await check({}, [])).toEqual([]);
  });

  it('passes a chip that has all lines, and says which', async () => {
    const findings = await check();
    expect(told(findings)).toEqual(['gpio: pass', 'gpio: pass']);
    expect(findings[1]?.says).toContain(
      'all its lines are there and free; pinctrl-bcm2711 with 58 lines at /dev/gpiochip0',
    );
  });

  it('says by which interface the lines would be reached, and why', async () => {
    const says = async (more: Partial<GpioWorld>, gates?: WiredGate[]) => (await check(more, gates))[1]?.says;
    const bySysfs = { reach: () => Promise.resolve({ ...way(), interface: 'sysfs' as const }) };
    expect(await says(bySysfs)).toContain('through sysfs (onoff), which is there');
    const without: Partial<GpioWorld> = {
      reach: ({ driver }) =>
        driver === 'onoff' ? Promise.reject(new Error('there is no sysfs')) : Promise.resolve(way()),
    };
    expect(await says(without)).toContain('the character device, as for sysfs: there is no sysfs');
    expect(await says(without, [{ ...gate(17), driver: 'character-device' }])).toContain(
      'as driver character-device says',
    );
    const biased = { ...gate(17), inputs: { arming: { bcm: 5, bias: 'pull-up' } } };
    expect(await says(without, [biased])).toContain('as an input sets a bias');
  });

  it('asks for an interface that can set a bias where an input has one', async () => {
    const asked: boolean[] = [];
    const reach: GpioWorld['reach'] = ({ needsBias }) => {
      asked.push(needsBias);
      return Promise.resolve(way());
    };
    await check({ reach }, [
      { ...gate(17), driver: 'character-device', inputs: { arming: { bcm: 5, bias: 'pull-up' } } },
    ]);
    await check({ reach }, [{ ...gate(17), driver: 'character-device' }]);
    expect(asked).toEqual([true, false]);
  });

  it('says what is missing: chip, line, permission, packages', async () => {
    const none = await check({ reach: () => Promise.reject(new Error('no GPIO chip')) });
    expect(none[1]).toMatchObject({ verdict: 'fail', says: 'gate entry: no GPIO chip' });
    const line = await check({}, [gate(17, false, 58)]);
    expect(line[1]?.says).toBe('gate entry: inputs.arming is BCM 58, and pinctrl-bcm2711 has lines 0 to 57');
    const exportProblem = () => Promise.resolve('EACCES');
    const refused = await check({ exportProblem, reach: () => Promise.resolve({ ...way(), interface: 'sysfs' }) });
    expect(refused[1]).toMatchObject({ verdict: 'fail' });
    expect(remediesOf(refused.slice(1))).toEqual([true]);
    // Of no concern to the character device.
    expect(told(await check({ exportProblem }))).toEqual(['gpio: pass', 'gpio: pass']);
    const some = await check({
      packages: () =>
        Promise.resolve([
          { names: 'onoff', problem: undefined },
          { names: 'koffi', problem: 'not installed' },
        ]),
    });
    expect(some[0]).toMatchObject({ verdict: 'warn', says: 'only onoff can be loaded', remedy: 'not installed' });
    const nothing = await check({ packages: () => Promise.resolve([{ names: 'koffi', problem: 'not installed' }]) });
    expect(nothing[0]?.says).toBe('nothing can be loaded');
  });

  it('says who has a line that is in use', async () => {
    const usedBy = (user: string) => ({ usersOf: () => Promise.resolve(new Map([[17, user]])) });
    const busy = await check(usedBy('spi0 CS0'));
    expect(busy[1]).toMatchObject({ verdict: 'fail', says: 'gate entry: outputs.open (BCM 17) is in use by spi0 CS0' });
    expect((await check(usedBy('')))[1]?.says).toContain('in use by somebody');
    expect(told(await check({ usersOf: () => Promise.resolve(undefined) }))).toEqual(['gpio: pass', 'gpio: pass']);
  });

  it('takes the lines of the running agent for its own, and those of one that is not found for busy', async () => {
    const usersOf = () => Promise.resolve(new Map([[17, 'gatehouse']]));
    expect((await check({ usersOf }, undefined, true))[1]?.says).toContain('its lines are the running agent’s');
    expect((await check({ usersOf }))[1]?.says).toContain('is in use by gatehouse');
    const bySysfs = { usersOf: () => Promise.resolve(new Map([[17, 'sysfs']])) };
    expect((await check(bySysfs))[1]?.verdict).toBe('fail');
    const reach = () => Promise.resolve({ ...way(), interface: 'sysfs' as const });
    expect((await check({ ...bySysfs, reach }))[1]?.verdict).toBe('pass');
  });

  it.each([
    [8, false, 'fail'],
    [8, true, 'pass'],
    [9, false, 'pass'],
    [9, true, 'fail'],
    [27, true, 'fail'],
    [28, true, 'pass'],
  ])('of an open relay at BCM %i, active low %s, says %s', async (bcm, activeLow, verdict) => {
    expect(told(await check({}, [gate(bcm, activeLow)]))[1]).toBe(`gpio: ${verdict}`);
  });

  it('knows the pulls of a Raspberry Pi only', async () => {
    const reach = () => Promise.resolve(way({ label: 'gpio-sim', lines: 32, path: '/dev/gpiochip0' }));
    expect(told(await check({ reach }, [gate(8)]))[1]).toBe('gpio: pass');
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
