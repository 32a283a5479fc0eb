/** Builders: slots and gates come and go while vehicles drive. */
import type { Random, SiteLayout } from '@gatehouse/shared';
import { pick, wholeBelow } from '../../random.js';

type Gate = SiteLayout['gates'][number];

/** Slots that are not there at first, at most. */
const maxExtraSlots = 6;
const maxExtraGates = 2;

/** One change of the layout; undefined where there is nothing of the kind to change. */
export function drawLayout(random: Random, layout: SiteLayout, original: SiteLayout): SiteLayout | undefined {
  const draw = pick(random, [
    [addSlot, 3],
    [removeSlot, 3],
    [addGate, 2],
    [removeGate, 2],
    [reorder, 1],
    [() => original, 1],
  ] as const);
  return draw(random, layout, original);
}

/** As it was built, with the slots that were added since: vehicles may stand in them. */
export function restored(layout: SiteLayout, original: SiteLayout): SiteLayout {
  const known = new Set(original.slots.map(({ slotId }) => slotId));
  const added = layout.slots.filter(({ slotId }) => !known.has(slotId));
  return { ...original, slots: [...original.slots, ...added] };
}

function addSlot(random: Random, layout: SiteLayout, original: SiteLayout): SiteLayout | undefined {
  const [zone] = layout.zones;
  const slotId = firstFree(maxExtraSlots, (index) => `s-extra-${String(index)}`, layout.slots, 'slotId');
  if (zone === undefined || slotId === undefined) return undefined;
  const slotClass = original.slots[wholeBelow(random, original.slots.length)]?.slotClass ?? 'standard';
  return { ...layout, slots: [...layout.slots, { slotId, zoneId: zone.zoneId, label: slotId, slotClass }] };
}

function removeSlot(random: Random, layout: SiteLayout): SiteLayout | undefined {
  if (layout.slots.length < 2) return undefined;
  const gone = wholeBelow(random, layout.slots.length);
  return { ...layout, slots: layout.slots.filter((_slot, index) => index !== gone) };
}

function addGate(random: Random, layout: SiteLayout): SiteLayout | undefined {
  const beside = layout.gates[wholeBelow(random, layout.gates.length)];
  if (beside === undefined) return undefined;
  const gateId = firstFree(maxExtraGates, (index) => `${beside.edgeId}-extra-${String(index)}`, layout.gates, 'gateId');
  if (gateId === undefined) return undefined;
  // A lane stays what it was built as, also when it is closed and opened again.
  const direction = gateId.endsWith('0') ? 'entry' : 'exit';
  return { ...layout, gates: [...layout.gates, { ...beside, gateId, name: gateId, direction }] };
}

/** Never the last one of its edge, nor the last way in or out. */
function removeGate(random: Random, layout: SiteLayout): SiteLayout | undefined {
  const removable = layout.gates.filter((gate) => {
    const others = layout.gates.filter((other) => other !== gate);
    const serves = (direction: Gate['direction']): boolean =>
      others.some((other) => other.direction === direction || other.direction === 'both');
    return others.some(({ edgeId }) => edgeId === gate.edgeId) && serves('entry') && serves('exit');
  });
  const gone = removable[wholeBelow(random, removable.length)];
  return gone && { ...layout, gates: layout.gates.filter((gate) => gate !== gone) };
}

function reorder(random: Random, layout: SiteLayout): SiteLayout {
  const from = wholeBelow(random, layout.slots.length);
  return { ...layout, slots: [...layout.slots.slice(from), ...layout.slots.slice(0, from)] };
}

function firstFree<K extends string>(
  most: number,
  name: (index: number) => string,
  taken: readonly Readonly<Record<K, string>>[],
  key: K,
): string | undefined {
  const names = new Set(taken.map((one) => one[key]));
  return Array.from({ length: most }, (_unused, index) => name(index)).find((free) => !names.has(free));
}
