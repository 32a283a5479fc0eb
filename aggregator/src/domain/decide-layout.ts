/** A new layout: slots appear, change and go, without moving a vehicle. */
import type { LayoutSlot, SiteLayout } from '@gatehouse/shared';
import type { SiteFact } from './facts.js';
import type { Context, OperatorInput } from './inputs.js';
import { Refusal } from './refusal.js';
import { retiredBy } from './retired-gates.js';
import type { SlotRow } from './rows.js';
import type { SiteState } from './state.js';

type PutLayout = Extract<OperatorInput, { type: 'put-layout' }>;

/**
 * @throws Refusal `layout-removes-occupied-slot`, `layout-removes-gate-in-use`. Reserved and held slots that are removed are
 * recalled: they go when they come back. Gates that are removed are retired.
 */
export function decideLayout(state: SiteState, input: PutLayout, context: Context): SiteFact[] {
  const { layout } = input;
  if (state.site !== null && JSON.stringify(state.site.layout) === JSON.stringify(layout)) return [];
  refuseGatesInUse(state, layout);
  const wanted = new Map(layout.slots.map((slot, rank) => [slot.slotId, { slot, rank }]));
  const facts: SiteFact[] = [...removals(state, wanted, input)];
  for (const { slot, rank } of wanted.values()) {
    const present = state.slots.get(slot.slotId);
    if (present === undefined) facts.push({ type: 'slot-added', slot: newSlot(state.siteId, slot, rank) });
    else facts.push(...kept(present, slot, rank));
  }
  const retiredGates = retiredBy(state, layout, context.nowMs);
  return [...facts, { type: 'layout-changed', layout, version: (state.site?.version ?? 0) + 1, retiredGates }];
}

function refuseGatesInUse(state: SiteState, layout: SiteLayout): void {
  const edgeOf = new Map(layout.gates.map((gate) => [gate.gateId, gate.edgeId]));
  for (const arrival of state.arrivals.values()) {
    // A gate that was retired before is in nobody's way.
    const isTheirs = state.gates.get(arrival.gateId)?.edgeId === arrival.edgeId;
    if (arrival.state === 'open' && isTheirs && edgeOf.get(arrival.gateId) !== arrival.edgeId) {
      throw new Refusal(
        'layout-removes-gate-in-use',
        `a vehicle is at gate ${arrival.gateId}: keep the gate until it has passed`,
        'gates',
      );
    }
  }
}

function removals(state: SiteState, wanted: ReadonlyMap<string, unknown>, input: PutLayout): SiteFact[] {
  const facts: SiteFact[] = [];
  let highestRank = input.layout.slots.length;
  for (const slot of state.slots.values()) {
    if (wanted.has(slot.slotId)) continue;
    if (slot.state === 'occupied') {
      throw new Refusal(
        'layout-removes-occupied-slot',
        `slot ${slot.slotId} is occupied: release it or move its session first`,
        'slots',
      );
    }
    if (slot.state === 'free') {
      facts.push({ type: 'slot-removed', slotId: slot.slotId });
      continue;
    }
    facts.push({
      type: 'slot-recall-changed',
      slotId: slot.slotId,
      recall: { kind: 'remove', by: input.by, reason: input.reason, sessionId: null },
    });
    // Out of the way of the ranks of the new layout.
    facts.push({ ...described(slot), rank: highestRank++ });
  }
  return facts;
}

function kept(present: SlotRow, slot: LayoutSlot, rank: number): SiteFact[] {
  const facts: SiteFact[] = [];
  if (present.recall?.kind === 'remove') facts.push({ type: 'slot-recall-changed', slotId: slot.slotId, recall: null });
  if (
    present.zoneId !== slot.zoneId ||
    present.label !== slot.label ||
    present.slotClass !== slot.slotClass ||
    present.rank !== rank
  ) {
    facts.push({ ...described(present), zoneId: slot.zoneId, label: slot.label, slotClass: slot.slotClass, rank });
  }
  return facts;
}

function described(slot: SlotRow): SiteFact & { type: 'slot-described' } {
  return {
    type: 'slot-described',
    slotId: slot.slotId,
    zoneId: slot.zoneId,
    label: slot.label,
    slotClass: slot.slotClass,
    rank: slot.rank,
  };
}

function newSlot(siteId: string, slot: LayoutSlot, rank: number): SlotRow {
  return {
    siteId,
    slotId: slot.slotId,
    zoneId: slot.zoneId,
    label: slot.label,
    slotClass: slot.slotClass,
    rank,
    state: 'free',
    sessionId: null,
    arrivalKey: null,
    heldBy: null,
    heldEpoch: null,
    confirmed: true,
    frozen: false,
    outOfService: null,
    recall: null,
  };
}
