import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { DateTime } from 'luxon';
import type { SiteOccupancyResource } from '@gatehouse/shared';
import { bannerLines } from '../../src/demo/banner.js';
import { createBackoff } from '../../src/demo/backoff.js';
import { programEnvironment } from '../../src/demo/children.js';
import { createLiveLine, lineOf } from '../../src/demo/live-line.js';
import { readOptions } from '../../src/demo/options.js';
import { freePorts, portsFrom } from '../../src/demo/ports.js';
import { simulatedAt, timeOfStart } from '../../src/demo/simulated-time.js';
import { demoSites, demoTimeZone } from '../../src/demo/sites.js';

describe('the sites of the demonstration', () => {
  const [cityHall, station] = demoSites();

  it('are one with readers, zones and every class, and one with sensors alone', () => {
    expect(cityHall?.hasReaders).toBe(true);
    expect(cityHall?.layout.zones).toHaveLength(3);
    expect(cityHall?.layout.slots.length).toBeGreaterThanOrEqual(60);
    expect(new Set(cityHall?.layout.slots.map(({ slotClass }) => slotClass)).size).toBe(5);
    expect(cityHall?.layout.gates.map(({ direction }) => direction).sort()).toEqual(['entry', 'entry', 'exit', 'exit']);
    expect(station?.hasReaders).toBe(false);
    expect(station?.layout.gates).toHaveLength(2);
  });

  it('have one edge for each pair of gates, and no gate name twice', () => {
    const edges = demoSites().flatMap((site) => site.edges);
    expect(edges.every(({ gates }) => gates.length === 2)).toBe(true);
    const gateIds = edges.flatMap(({ gates }) => gates.map(({ gateId }) => gateId));
    expect(new Set(gateIds).size).toBe(6);
  });
});

describe('the time of a start', () => {
  const options = { factor: undefined, defaultFactor: 60, timeZone: demoTimeZone };

  it('begins the first time on the Monday before, when the morning peak begins', () => {
    for (const now of [
      '2024-03-06T15:00:00Z',
      '2024-03-04T05:00:00Z',
      '2024-03-04T07:00:00Z',
      '2024-03-10T23:30:00Z',
    ]) {
      const time = timeOfStart(undefined, Date.parse(now), options);
      const start = DateTime.fromMillis(time.simulatedBaseMs, { zone: demoTimeZone });
      expect([start.weekday, start.hour, start.minute]).toEqual([1, 7, 0]);
      expect(time.simulatedBaseMs).toBeLessThan(Date.parse(now));
      expect(Date.parse(now) - time.simulatedBaseMs).toBeLessThan(8 * 86_400_000);
      expect(time.factor).toBe(60);
    }
  });

  it('goes on later than anything that can have happened before a sudden end', () => {
    const remembered = { simulatedMs: 1_000_000_000, factor: 30 };
    const time = timeOfStart(remembered, 5_000_000_000, options);
    expect(time.simulatedBaseMs).toBe(1_000_000_000 + 2_000 * 30);
    expect(time).toMatchObject({ realBaseMs: 5_000_000_000, factor: 30 });
    expect(timeOfStart(remembered, 5_000_000_000, { ...options, factor: 10 }).factor).toBe(10);
    expect(simulatedAt(time, 5_000_001_000)).toBe(time.simulatedBaseMs + 30_000);
  });
});

describe('starting a program again', () => {
  it('waits longer each time, forgets after a healthy run, and gives up in the end', () => {
    const backoff = createBackoff({ firstDelayMs: 100, maxDelayMs: 350, healthyAfterMs: 1_000, maxDeaths: 4 });
    expect([1, 2, 3].map(() => backoff.afterDeath(0))).toEqual([100, 200, 350]);
    expect(backoff.afterDeath(1_000)).toBe(100);
    expect([1, 2, 3].map(() => backoff.afterDeath(999))).toEqual([200, 350, 350]);
    expect(backoff.afterDeath(0)).toBeNull();
  });
});

const occupancy: SiteOccupancyResource = {
  siteId: 'city-hall',
  at: '2024-03-04T07:00:00.000Z',
  capacity: 72,
  free: 60,
  vehiclesInside: 12,
  sessionsOpen: 11,
  sessionsUncertain: 0,
  drift: 1,
  entriesTotal: 30,
  exitsTotal: 18,
  reviewsOpen: 0,
  recovering: false,
  slots: { free: 60, reserved: 0, occupied: 12, held: 0, outOfService: 0 },
  zones: [],
  classes: [],
};
const status = { simulatedMs: Date.UTC(2024, 2, 4, 7), factor: 60, sites: [occupancy] };

describe('the live line', () => {
  const outputOf = (isTTY: boolean, columns = 200) => {
    const written: string[] = [];
    return { written, output: { isTTY, columns, write: (text: string) => void written.push(text) } };
  };

  it('tells entries, exits, free slots and drift of each site', () => {
    expect(lineOf(status)).toBe('Mon 08:00 ×60 │ city-hall: 30 in, 18 out, 60/72 free, drift +1');
  });

  it('is rewritten in place on a terminal, cut to its width, and makes room for sentences', () => {
    const { written, output } = outputOf(true, 30);
    const line = createLiveLine(output, false);
    line.show(status);
    line.show(status);
    line.say('something happened');
    expect(written[0]).toHaveLength(29);
    expect(written.join('')).toBe(`${written[0] ?? ''}\r\u001b[2K${written[0] ?? ''}\r\u001b[2Ksomething happened\n`);
  });

  it('is a line of its own elsewhere, and JSON when asked for', () => {
    const plain = outputOf(false);
    createLiveLine(plain.output, false).show(status);
    expect(plain.written).toEqual([`${lineOf(status)}\n`]);
    const json = outputOf(true);
    const line = createLiveLine(json.output, true);
    line.show(status);
    line.say('stopping');
    expect(json.written.map((text) => JSON.parse(text) as unknown)).toEqual([
      {
        at: '2024-03-04T07:00:00.000Z',
        factor: 60,
        sites: [{ siteId: 'city-hall', entries: 30, exits: 18, free: 60, capacity: 72, vehiclesInside: 12, drift: 1 }],
      },
      { message: 'stopping' },
    ]);
  });
});

describe('the banner', () => {
  it('says what runs, where to look, where the key is, and how to send a vehicle', () => {
    const text = bannerLines({
      api: 'http://127.0.0.1:8000',
      mqttPort: 1883,
      dataDirectory: '/tmp/data',
      adminKeyPath: '/tmp/data/admin-key',
      edgePages: [{ edgeId: 'city-hall-north', page: 'http://127.0.0.1:8001' }],
      sites: demoSites(),
      factor: 60,
      simulatedAt: 'Monday',
      goesOn: false,
    }).join('\n');
    for (const expected of [
      'http://127.0.0.1:8000/docs',
      'http://127.0.0.1:8000/metrics',
      'http://127.0.0.1:8000/api/v1/occupancy',
      'http://127.0.0.1:8001/metrics city-hall-north',
      '/tmp/data/admin-key',
      '72 slots of 5 classes in 3 zones, 2 entries, 2 exits, plate readers',
      '40 slots of 1 class in 1 zone, 1 entry, 1 exit, sensors only',
      'npm run simulate -- vehicle --gate entry-1',
    ]) {
      expect(text).toContain(expected);
    }
  });
});

describe('the options', () => {
  const read = (argv: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
    readOptions(['node', 'demo', ...argv], environment, '/project');

  it('have defaults, take variables, and let arguments win over them', () => {
    expect(read([])).toEqual({
      dataDirectory: '/project/data',
      httpPort: 8000,
      mqttPort: 1883,
      edgePort: 8001,
      factor: undefined,
      seed: 'gatehouse',
      json: false,
    });
    expect(read([], { GATEHOUSE_HTTP_PORT: '9000', GATEHOUSE_DATA_DIR: '/elsewhere' })).toMatchObject({
      httpPort: 9000,
      dataDirectory: '/elsewhere',
    });
    expect(read(['--http-port', '9001', '--factor', '30'], { GATEHOUSE_HTTP_PORT: '9000' })).toMatchObject({
      httpPort: 9001,
      factor: 30,
    });
  });

  it('leave the programs only the variables that their files do not decide', () => {
    const environment = { PATH: '/bin', GATEHOUSE_HTTP_PORT: '1', GATEHOUSE_EDGE_ID: 'x', GATEHOUSE_LOG_LEVEL: 'warn' };
    expect(programEnvironment(environment)).toEqual({ PATH: '/bin', GATEHOUSE_LOG_LEVEL: 'warn' });
  });
});

describe('the ports of the edge agents’ pages', () => {
  const listening: Server[] = [];
  afterEach(async () => {
    for (const server of listening.splice(0)) await new Promise((resolve) => server.close(resolve));
  });

  it('follow one another, and where one is taken another takes its place', async () => {
    const [first = 0] = await freePorts(1);
    const taken = createServer();
    listening.push(taken);
    await new Promise<void>((resolve) => taken.listen(first, '127.0.0.1', resolve));
    const ports = await portsFrom(first, [11, 12]);
    expect(ports[0]).toBe(11);
    expect([first + 1, 12]).toContain(ports[1]);
  });

  it('are any free ones when none is asked for, or when there are none after it', async () => {
    expect(await portsFrom(0, [11, 12])).toEqual([11, 12]);
    expect(await portsFrom(65_536, [11])).toEqual([11]);
  });
});
