/** What the two ends of the floor under a decision agree on: the same bytes as an edge and the aggregator exchange and keep. */
import { canonicalJson, genesisHash, nextHashOfText } from '@gatehouse/shared';
import type { Decision, EdgeEvent, EventBatch } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';

export const requestTopic = 'gatehouse/v1/decision/entrance/events';
export const replyTopic = 'gatehouse/v1/decision/entrance/decisions';

/** What each end commits. */
export interface RequestFloorRow {
  readonly hash: string;
  readonly json: string;
}

export interface RequestFloorTexts {
  readonly row: RequestFloorRow;
  readonly request: string;
  readonly reply: string;
}

/** An arrival as an edge writes it down and sends it, and the answer to it. */
export function requestFloorTexts(): RequestFloorTexts {
  const id = '0123456789abcdef'.repeat(2);
  const event: EdgeEvent = {
    kind: 'vehicle-arrived',
    gateId: 'in',
    atMs: 1_780_000_000_000,
    monoMs: 123_456,
    bootId: id,
    direction: 'entry',
    credential: null,
    vehicleClass: null,
    supersedes: null,
  };
  const json = canonicalJson(event);
  const prevHash = genesisHash(sha256, id);
  const batch: EventBatch = {
    instance: id,
    epoch: id,
    first: 1_234,
    prevHash,
    waiting: [1_234],
    events: [event],
  };
  const decision: Decision = {
    instance: id,
    epoch: id,
    arrival: 1_234,
    revision: 1,
    outcome: 'admit',
    sessionId: id,
    slot: { slotId: 's1234', zoneId: 'ground', label: '1234', slotClass: 'standard' },
    basis: 'decision',
    reason: null,
    ttlMs: 30_000,
  };
  return {
    row: { hash: nextHashOfText(sha256, prevHash, json), json },
    request: JSON.stringify(batch),
    reply: JSON.stringify(decision),
  };
}
