/** Events that could not be kept: counted, and told of as soon as something can be written again. */
import type { EdgeEvent } from '@gatehouse/shared/edge';
import type { Draft, EventStamp } from './draft.js';
import type { LossCount } from './ports.js';

export type RecorderFailure = 'outbox-full' | 'outbox-failing';

export const noLoss: LossCount = { events: 0, entries: 0, exits: 0 };

export function addLoss(a: LossCount, b: LossCount): LossCount {
  return { events: a.events + b.events, entries: a.entries + b.entries, exits: a.exits + b.exits };
}

export function subtractLoss(a: LossCount, b: LossCount): LossCount {
  return { events: a.events - b.events, entries: a.entries - b.entries, exits: a.exits - b.exits };
}

export function lossReport(reason: RecorderFailure, loss: LossCount, stamp: () => EventStamp): Draft {
  return {
    kind: 'events-lost',
    event: () => ({
      kind: 'events-lost',
      ...stamp(),
      reason,
      lost: loss.events,
      entries: loss.entries,
      exits: loss.exits,
    }),
  };
}

/** The fault could not be reported while it stood: both ends of it are told now. */
export function outageReports(fault: RecorderFailure, raisedAt: EventStamp, stamp: () => EventStamp): Draft[] {
  const raised: EdgeEvent = { kind: 'fault-raised', ...raisedAt, gateId: null, fault, detail: 'events were refused' };
  return [
    { kind: 'fault-raised', event: () => raised },
    { kind: 'fault-cleared', event: () => ({ kind: 'fault-cleared', ...stamp(), gateId: null, fault }) },
  ];
}
