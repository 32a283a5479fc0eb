/** What the lanes of an edge do. */
import { barrierPositions, laneModes } from '@gatehouse/shared';
import type { BarrierPosition, LaneMode } from '@gatehouse/shared';
import { stateTimeline, timeSeries } from '../build/kinds.js';
import { words } from '../build/look.js';
import type { Colour } from '../build/look.js';
import type { Unplaced } from '../build/panel.js';
import { atEdge, over, placeOf, rate, sumBy } from '../build/queries.js';
import { faultsOf, raised } from '../common.js';

const positionColours: Readonly<Record<BarrierPosition, Colour>> = {
  unknown: 'text',
  closed: 'green',
  opening: 'yellow',
  open: 'blue',
  closing: 'yellow',
  stopped: 'red',
};

const modeColours: Readonly<Record<LaneMode, Colour>> = {
  automatic: 'green',
  'hold-open': 'orange',
  locked: 'purple',
  fire: 'red',
};

/** Words by their places, from 1, as `placeOf` gives them. */
function places<T extends string>(all: readonly T[], colours: Readonly<Record<T, Colour>>): ReturnType<typeof words> {
  return words(Object.fromEntries(all.map((text, index) => [index + 1, { text, colour: colours[text] }])));
}

export const lanes: readonly Unplaced[] = [
  stateTimeline({
    title: 'Barrier',
    description:
      'Where the arm of each gate was. After a start it is unknown until a limit switch says otherwise; stopped between its limits is worth a look.',
    unit: 'short',
    width: 12,
    queries: [
      over(
        placeOf(barrierPositions, 'position', 'gate', (position) => atEdge('gatehouse_gate_barrier', position)),
        '{{gate}}',
      ),
    ],
    mappings: [places(barrierPositions, positionColours)],
    runbook: 'barrier-stuck',
  }),
  stateTimeline({
    title: 'Lane mode',
    description: 'How each lane was run. Held open and fire let everybody through; locked lets nobody.',
    unit: 'short',
    width: 12,
    queries: [
      over(
        placeOf(laneModes, 'mode', 'gate', (mode) => atEdge('gatehouse_gate_mode', mode)),
        '{{gate}}',
      ),
    ],
    mappings: [places(laneModes, modeColours)],
  }),
  stateTimeline({
    title: 'Faults by gate',
    description:
      'Faults of this edge that were raised in the time shown. Without a gate, a fault is one of the whole edge.',
    unit: 'short',
    width: 12,
    noValue: 'no fault was raised',
    queries: [over(faultsOf(atEdge('gatehouse_gate_faults')), '{{gate}} {{fault}}')],
    mappings: [raised],
    runbook: 'faults',
  }),
  timeSeries({
    title: 'Passages',
    description: 'Vehicles an hour through each gate of this edge.',
    unit: 'short',
    width: 12,
    min: 0,
    legend: ['mean', 'max'],
    queries: [
      over(
        `${sumBy('gate, direction', rate(atEdge('gatehouse_agent_passages_total')))} * 3600`,
        '{{gate}} {{direction}}',
      ),
    ],
    runbook: 'lane-silent',
  }),
];
