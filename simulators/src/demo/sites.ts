/** The two car parks of the demonstration, and who runs their gates. */
import { siteLayoutSchema } from '@gatehouse/shared';
import type { GateDirection, SiteLayout, SlotClass } from '@gatehouse/shared';
import { commuterProfile } from '../traffic/profile.js';
import type { TrafficProfile } from '../traffic/profile.js';

export interface DemoEdge {
  readonly edgeId: string;
  readonly name: string;
  readonly gates: readonly { readonly gateId: string; readonly direction: GateDirection }[];
}

export interface DemoSite {
  readonly siteId: string;
  readonly layout: SiteLayout;
  readonly edges: readonly DemoEdge[];
  readonly hasReaders: boolean;
  readonly traffic: TrafficProfile;
}

export const demoTimeZone = 'Europe/Berlin';

const cityHallEdges: readonly DemoEdge[] = [
  {
    edgeId: 'city-hall-north',
    name: 'North cabinet',
    gates: [
      { gateId: 'entry-1', direction: 'entry' },
      { gateId: 'exit-1', direction: 'exit' },
    ],
  },
  {
    edgeId: 'city-hall-south',
    name: 'South cabinet',
    gates: [
      { gateId: 'entry-2', direction: 'entry' },
      { gateId: 'exit-2', direction: 'exit' },
    ],
  },
];

const stationEdges: readonly DemoEdge[] = [
  {
    edgeId: 'station-main',
    name: 'Station cabinet',
    gates: [
      { gateId: 'station-entry', direction: 'entry' },
      { gateId: 'station-exit', direction: 'exit' },
    ],
  },
];

const nearest: Readonly<Record<string, readonly string[]>> = {
  'entry-1': ['level-0', 'level-1', 'level-2'],
  'entry-2': ['level-1', 'level-0', 'level-2'],
};

/** City hall: plate readers, three levels, 72 bays of every class, two entries and two exits. */
function cityHall(): DemoSite {
  const slots = [
    ...bays('level-0', 'A', [
      ['accessible', 4],
      ['motorcycle', 4],
      ['ev', 6],
      ['standard', 10],
    ]),
    ...bays('level-1', 'B', [
      ['ev', 6],
      ['standard', 18],
    ]),
    ...bays('level-2', 'C', [
      ['large', 3],
      ['standard', 21],
    ]),
  ];
  return {
    siteId: 'city-hall',
    hasReaders: true,
    edges: cityHallEdges,
    layout: layoutOf('city-hall', 'City hall', ['level-0', 'level-1', 'level-2'], slots, cityHallEdges),
    traffic: commuterProfile({ timeZone: demoTimeZone, dailyVisitors: 240, regulars: 40 }),
  };
}

/** The station: sensors alone, one yard, one entry and one exit. */
function station(): DemoSite {
  return {
    siteId: 'station',
    hasReaders: false,
    edges: stationEdges,
    layout: layoutOf('station', 'Station', ['yard'], bays('yard', 'S', [['standard', 40]]), stationEdges),
    traffic: {
      ...commuterProfile({ timeZone: demoTimeZone, dailyVisitors: 105, regulars: 24 }),
      classShares: { standard: 100, ev: 0, accessible: 0, motorcycle: 0, large: 0 },
    },
  };
}

export function demoSites(): readonly DemoSite[] {
  return [cityHall(), station()];
}

type Bay = SiteLayout['slots'][number];

function bays(zoneId: string, letter: string, numbers: readonly (readonly [SlotClass, number])[]): Bay[] {
  const classes = numbers.flatMap(([slotClass, number]) => Array.from({ length: number }, () => slotClass));
  return classes.map((slotClass, index) => ({
    slotId: `${letter.toLowerCase()}-${String(index + 1)}`,
    zoneId,
    label: `${letter}${String(index + 1)}`,
    slotClass,
  }));
}

function layoutOf(
  siteId: string,
  name: string,
  zoneIds: readonly string[],
  slots: readonly Bay[],
  edges: readonly DemoEdge[],
): SiteLayout {
  return siteLayoutSchema.parse({
    siteId,
    name,
    timeZone: demoTimeZone,
    zones: zoneIds.map((zoneId) => ({ zoneId, name: zoneId.replace('-', ' ') })),
    slots,
    gates: edges.flatMap(({ edgeId, gates }) =>
      gates.map(({ gateId, direction }) => ({
        gateId,
        edgeId,
        name: gateId.replaceAll('-', ' '),
        direction,
        nearestZones: nearest[gateId] ?? [],
      })),
    ),
  });
}
