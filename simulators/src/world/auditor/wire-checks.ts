/** What goes over the wire: nothing runs ahead of what is durable, and what reaches a machine is remembered as a cause. */
import { canonicalJson, parseTopic } from '@gatehouse/shared';
import type { Ack, Allowance, Command, Decision, EdgeChannel, EventBatch, OnlineState } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import type { HappeningOf } from '../happenings.js';
import type { Audit } from './audit.js';
import { edgeBook, machineBook, placeOf } from './edge-books.js';
import type { MachineBook } from './edge-types.js';
import { laneBook, onDecisionDelivered } from './lane-books.js';
import { decisionText } from './store-rows.js';

/** What is published waits so long for the broker at most. */
const publishTakesMs = 10_000;

/** Commands remembered of one machine. */
const maxCommands = 2_000;

export function onPublished(audit: Audit, { by, topic, payload }: HappeningOf<'published'>): void {
  const parsed = parseTopic(topic);
  if (parsed?.type !== 'edge') return;
  const { edgeId, siteId, channel } = parsed;
  const message: unknown = JSON.parse(payload);
  if (by === 'aggregator') ofCentre(audit, edgeId, siteId, channel, message);
  else if (channel === 'events') checkBatch(audit, machineBook(audit, by), message as EventBatch);
  else if (channel === 'state') checkState(audit, machineBook(audit, by), message as OnlineState);
}

function ofCentre(audit: Audit, edgeId: string, siteId: string, channel: EdgeChannel, message: unknown): void {
  if (channel === 'acks') checkAck(audit, edgeId, siteId, message as Ack);
  else if (channel === 'decisions') checkDecision(audit, edgeId, message as Decision);
  else if (channel === 'allowance') checkAllowance(audit, edgeId, siteId, message as Allowance);
  else if (channel === 'commands') {
    const { id } = message as Command;
    if (!audit.store.commands.has(id)) audit.report('command-not-stored', `${edgeId}: ${id}`);
  }
}

function checkAck(audit: Audit, edgeId: string, siteId: string, ack: Ack): void {
  const upTo = audit.store.storedUpTo(edgeId, ack.epoch);
  const name = `${edgeId} ${placeOf(ack.epoch, ack.upTo)}`;
  if (ack.upTo > upTo) audit.report('ack-ahead-of-store', `${name}: stored is up to ${String(upTo)}`);
  else if (ack.upTo > 0) {
    const hash = audit.store.epoch(edgeId, ack.epoch).hashes.get(ack.upTo);
    if (hash !== undefined && hash !== ack.hash) audit.report('ack-hash-wrong', name);
  } else if (ack.conflict === null && ack.hash !== sha256(ack.epoch)) audit.report('ack-hash-wrong', name);
  checkNoticed(audit, edgeId, siteId, ack);
}

/** A state that showed the store to be restored must have been answered by now. */
function checkNoticed(audit: Audit, edgeId: string, siteId: string, ack: Ack): void {
  const site = audit.store.site(siteId);
  const told = site.toHear.get(edgeId);
  if (told?.epoch !== ack.epoch || told.noticed || ack.conflict !== null) return;
  told.acks += 1;
  // The first may answer a batch that came before the state.
  if (told.acks < 3 || audit.nowMs - told.sinceMs < 15_000) return;
  told.noticed = true;
  if ((site.ledger?.recoveringEdges.length ?? 0) > 0 || told.overridden) return;
  const hasReview = [...audit.store.openReviews.values()].some(
    (review) => review.kind === 'store-restored' && review.siteId === siteId,
  );
  if (!hasReview && ack.upTo < told.upTo) {
    audit.report('restore-not-noticed', `${edgeId} was told ${String(told.upTo)}, stored is ${String(ack.upTo)}`);
  }
}

function checkDecision(audit: Audit, edgeId: string, decision: Decision): void {
  const key = `${edgeId}:${placeOf(decision.epoch, decision.arrival)}`;
  const text = decisionText({ ...decision, slotId: decision.slot?.slotId ?? null });
  if (audit.store.decisions.get(key)?.has(text) !== true) audit.report('decision-not-stored', `${key}: ${text}`);
}

function checkAllowance(audit: Audit, edgeId: string, siteId: string, allowance: Allowance): void {
  const name = `${edgeId} version ${String(allowance.version)}`;
  const upTo = audit.store.storedUpTo(edgeId, allowance.epoch);
  const slots = new Set(allowance.slots.map(({ slotId }) => slotId));
  audit.lastAllowances.set(edgeId, { epoch: allowance.epoch, slots });
  if (allowance.asOf > upTo) {
    audit.report('allowance-as-of-ahead', `${name}: as of ${String(allowance.asOf)}, stored is ${String(upTo)}`);
  }
  for (const { slotId } of allowance.slots) {
    const slot = audit.store.slot(siteId, slotId);
    const isTheirs = slot?.state === 'held' && slot.heldBy === edgeId && slot.heldEpoch === allowance.epoch;
    if (isTheirs || wasJustTheirs(audit, `${siteId}/${slotId}`, edgeId, allowance.epoch)) continue;
    audit.report('allowance-not-held', `${name}: ${slotId} is ${slot?.state ?? 'unknown'}`);
  }
}

/** A set may wait on its way to the broker, longer behind messages that the broker does not take, while the edge parts with a slot of it. */
function wasJustTheirs(audit: Audit, slot: string, edgeId: string, epoch: string): boolean {
  const last = audit.store.lastHeld.get(slot);
  if (last?.edgeId !== edgeId || last.epoch !== epoch) return false;
  return audit.nowMs - last.untilMs < publishTakesMs || last.untilMs >= audit.nothingToSendAtMs;
}

/** Each event is in the outbox of this very edge, durable, as it is sent. */
function checkBatch(audit: Audit, machine: MachineBook, batch: EventBatch): void {
  machine.instance = batch.instance;
  const edge = edgeBook(audit, machine.edgeId);
  batch.events.forEach((event, index) => {
    const seq = batch.first + index;
    const records = edge.byPlace.get(placeOf(batch.epoch, seq));
    const text = canonicalJson(event);
    if (records?.some((record) => record.json === text) === true) return;
    // What was stored long ago is forgotten here, too.
    if (records === undefined && audit.store.everStoredUpTo(machine.edgeId, batch.epoch) >= seq) return;
    audit.report('published-before-durable', `${machine.machine} ${placeOf(batch.epoch, seq)}: ${event.kind}`);
  });
}

function checkState(audit: Audit, machine: MachineBook, state: OnlineState): void {
  if ((state as { presence: string }).presence !== 'online') return;
  machine.instance = state.instance;
  machine.shown = { monoMs: state.clock.monoMs, atMs: audit.nowMs };
  // Until the agent hears that its new epoch is durable it goes on with the old one.
  if (state.epoch === machine.epoch && state.next > machine.next) {
    audit.report(
      'state-ahead-of-outbox',
      `${machine.machine} says ${String(state.next)}, durable is ${String(machine.next)}`,
    );
  }
}

export function onDelivered(audit: Audit, { to, topic, payload }: HappeningOf<'delivered'>): void {
  const parsed = parseTopic(topic);
  if (parsed?.type !== 'edge') return;
  const { channel, edgeId, siteId } = parsed;
  if (to === 'aggregator') {
    if (channel === 'state') stateDelivered(audit, edgeId, siteId, JSON.parse(payload) as OnlineState);
    return;
  }
  const machine = machineBook(audit, to);
  if (channel === 'decisions') onDecisionDelivered(audit, machine, JSON.parse(payload) as Decision);
  else if (channel === 'commands') commandDelivered(audit, machine, JSON.parse(payload) as Command);
}

/** The aggregator hears that more was acknowledged than it has: from its next answer on it must know. */
function stateDelivered(audit: Audit, edgeId: string, siteId: string, state: OnlineState): void {
  if ((state as { presence: string }).presence !== 'online') return;
  const { epoch, acked } = state;
  const site = audit.store.site(siteId);
  const cursor = audit.store.cursors.get(edgeId);
  const isRetired = cursor?.epoch !== epoch && audit.store.retired.has(`${edgeId}:${epoch}`);
  if (isRetired || acked <= audit.store.storedUpTo(edgeId, epoch) || site.toHear.has(edgeId)) return;
  site.toHear.set(edgeId, { epoch, upTo: acked, sinceMs: audit.nowMs, acks: 0, noticed: false, overridden: false });
}

function commandDelivered(audit: Audit, machine: MachineBook, command: Command): void {
  const { shown, instance } = machine;
  const isForIt = instance === null || command.instance === instance;
  const drift = audit.bounds.clockDrift;
  // The least that its clock can show now.
  const leastMonoMs = shown === null ? 0 : shown.monoMs + (audit.nowMs - shown.atMs) * (1 - drift);
  const leftMs = command.deadlineMono - leastMonoMs;
  const timely = isForIt && leftMs >= -100;
  const latestStartMs = audit.nowMs + Math.max(0, leftMs) * (1 + drift) + 1_000;
  const known = machine.commands.get(command.id);
  if (known === undefined || (timely && !known.timely)) {
    machine.commands.set(command.id, { kind: command.kind, gateId: command.gateId, timely, latestStartMs });
    for (const oldest of machine.commands.keys()) {
      if (machine.commands.size <= maxCommands) break;
      machine.commands.delete(oldest);
    }
  }
  if (!timely) return;
  const lane = laneBook(machine, command.gateId);
  if (command.kind === 'hold-open') {
    lane.holdOpen = true;
    edgeBook(audit, machine.edgeId).heldOpen.add(command.gateId);
  }
  if (command.kind !== 'open') return;
  const openMs = audit.bounds.operatorOpenMs * (1 + drift);
  lane.commandOpenUntilMs = Math.max(lane.commandOpenUntilMs, latestStartMs + openMs);
}
