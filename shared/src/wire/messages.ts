/** The messages of each channel. MQTT 3.1.1 at QoS 1, UTF-8 JSON. */
import { z } from 'zod';
import { faultNameSchema } from '../faults.js';
import {
  barrierPositionSchema,
  denialReasonSchema,
  gateDirectionSchema,
  hex128Schema,
  laneModeSchema,
  monoMsSchema,
  seqSchema,
  sha256HexSchema,
  slotClassSchema,
  slotClasses,
  slotLabelSchema,
  slugSchema,
  wallMsSchema,
} from '../vocabulary.js';
import { wireLimits } from './limits.js';

const text = z.string().max(wireLimits.maxTextChars);
const instance = hex128Schema.describe('Drawn at each start of the agent; messages for another instance are ignored.');
const epoch = hex128Schema.describe('The outbox epoch: drawn when the outbox was created.');

/** `events`, edge to centre: 1 to 256 consecutive events; event i of the list has seq first + i. */
export const eventBatchSchema = z
  .strictObject({
    instance,
    epoch,
    first: seqSchema.describe('seq of the first event of the list.'),
    prevHash: sha256HexSchema.describe('The running hash before the first event.'),
    waiting: z
      .array(seqSchema)
      .max(wireLimits.maxGatesPerEdge)
      .describe('The arrivals that still want a decision. Others in the list are history and get none.'),
    events: z
      .array(z.looseObject({ kind: z.string().max(63) }))
      .min(1)
      .max(wireLimits.maxBatchEvents)
      .describe('Events, each parsed by its kind, so that one bad event does not hide the others.'),
  })
  .describe('Consecutive events of one epoch.');
export type EventBatch = z.infer<typeof eventBatchSchema>;

export const ackConflicts = ['hash-mismatch', 'cursor-ahead', 'epoch-retired'] as const;
export type AckConflict = (typeof ackConflicts)[number];

/** `acks`, centre to edge: cumulative, sent only after the commit; also the answer to every `state`. */
export const ackSchema = z
  .strictObject({
    instance,
    epoch,
    upTo: z.int().min(0).describe('Every event up to and including this seq is stored. 0: none of this epoch.'),
    hash: sha256HexSchema.describe(
      'The running hash at upTo. It must equal the edge’s own, else the outbox is a clone.',
    ),
    conflict: z
      .enum(ackConflicts)
      .nullable()
      .describe('Set when the aggregator cannot take this epoch any further: the edge must begin a new one.'),
  })
  .describe('What the aggregator has stored of this edge’s events.');
export type Ack = z.infer<typeof ackSchema>;

/** A slot as shown to a driver or given to an edge. */
export const slotRefSchema = z.strictObject({
  slotId: slugSchema,
  zoneId: slugSchema,
  label: slotLabelSchema,
  slotClass: slotClassSchema,
});
export type SlotRef = z.infer<typeof slotRefSchema>;

/** `decisions`, centre to edge. */
export const decisionSchema = z
  .strictObject({
    instance,
    epoch,
    arrival: seqSchema.describe('The arrival that is answered.'),
    revision: z.int().min(1).describe('1 for the first answer; an operator who overrules a denial sends a higher one.'),
    outcome: z.enum(['admit', 'own', 'deny']).describe('own: admit from the allowance you hold.'),
    sessionId: hex128Schema.nullable(),
    slot: slotRefSchema.nullable().describe('The slot given; null at exits, and when an operator admits without one.'),
    basis: z.enum(['decision', 'operator']),
    reason: denialReasonSchema.nullable().describe('Why it was denied; null when admitted.'),
    ttlMs: z
      .int()
      .min(1)
      .describe('For how long after the arrival this may open the gate, on the edge’s monotonic clock.'),
  })
  .describe('Admit or deny one arrival. Sent again, unchanged, until the arrival’s terminal event is stored.');
export type Decision = z.infer<typeof decisionSchema>;

export const commandKinds = ['open', 'close', 'hold-open', 'lock', 'automatic', 'restart'] as const;
export type CommandKind = (typeof commandKinds)[number];

/** `commands`, centre to edge: each runs at most once. */
export const commandSchema = z
  .strictObject({
    instance,
    id: hex128Schema,
    gateId: slugSchema,
    kind: z.enum(commandKinds),
    deadlineMono: monoMsSchema.describe(
      'Not to be begun after this, on the monotonic clock the instance gave in its state.',
    ),
    by: text.describe('Who asked.'),
    reason: text,
  })
  .describe('An operator’s wish for one gate.');
export type Command = z.infer<typeof commandSchema>;

export const accessRules = ['blocked', 'permitted'] as const;
export type AccessRule = (typeof accessRules)[number];

/** What an entry must know of credentials while nobody can be asked; one page of it. */
export const accessPageSchema = z
  .strictObject({
    version: z.int().min(0).describe('Another list, or another `unlisted`, has another version.'),
    page: z.int().min(1).max(wireLimits.maxAccessPages),
    pages: z.int().min(1).max(wireLimits.maxAccessPages),
    unlisted: z
      .enum(['admit', 'deny'])
      .describe('What an entry does with a credential that is not listed, or with none.'),
    entries: z
      .array(
        z.strictObject({
          digest: sha256HexSchema.describe('SHA-256 of the text EPOCH:KIND:VALUE of the credential, in UTF-8.'),
          rule: z.enum(accessRules),
        }),
      )
      .max(wireLimits.maxAccessEntries),
  })
  .refine(({ page, pages }) => page <= pages, { message: 'is beyond the last page', path: ['page'] })
  .describe('Credentials that an offline gate must know, as digests: one page of the list.');
export type AccessPage = z.infer<typeof accessPageSchema>;

/** `allowance`, centre to edge: the full set of slots the edge may give out by itself. */
export const allowanceSchema = z
  .strictObject({
    epoch,
    version: z
      .int()
      .min(1)
      .describe('Rises with every set of this edge. The messages of one version differ in the page only.'),
    asOf: z.int().min(0).describe('The last seq of this epoch the aggregator had applied when it made the set.'),
    slots: z.array(slotRefSchema).max(wireLimits.maxAllowanceSlots),
    access: accessPageSchema,
  })
  .describe('Slots set aside for this edge.');
export type Allowance = z.infer<typeof allowanceSchema>;

/** One gate in `state`. */
export const gateStateSchema = z.strictObject({
  gateId: slugSchema,
  direction: gateDirectionSchema,
  barrier: barrierPositionSchema,
  mode: laneModeSchema,
  sensors: z.record(slugSchema, z.boolean()).describe('Each input and whether it is active.'),
  faults: z.array(faultNameSchema).max(32),
  arrival: seqSchema.nullable().describe('The open arrival at this gate, if any.'),
  vehicleClass: slotClassSchema
    .nullable()
    .describe('The class of slot that every vehicle at this gate needs; null where it differs or cannot be told.'),
});
export type GateState = z.infer<typeof gateStateSchema>;

/** `state`, edge to centre, retained: on connect, on change, and every 10 s. */
export const onlineStateSchema = z
  .strictObject({
    presence: z.literal('online'),
    instance,
    version: z.string().max(40).describe('Version of the agent’s program.'),
    epoch,
    oldest: seqSchema.describe('The oldest seq still kept; equals next when nothing is.'),
    next: seqSchema.describe('The seq the next event will get.'),
    acked: z.int().min(0).describe('The highest upTo this outbox has been told in this epoch.'),
    allowanceVersion: z
      .int()
      .min(0)
      .max(wireLimits.maxReportedAllowanceVersion)
      .describe('Version of the allowance held; 0 for none.'),
    clock: z.strictObject({ atMs: wallMsSchema, monoMs: monoMsSchema, bootId: hex128Schema }),
    outboxBytes: z.int().min(0),
    outboxOldestAgeMs: z
      .int()
      .min(0)
      .nullable()
      .optional()
      .describe('Age of the oldest event that is not acknowledged; null when all are, left out when it is not known.'),
    lastDecisionMs: z
      .int()
      .min(0)
      .nullable()
      .optional()
      .describe('From the latest answered arrival to its decision, whoever made it; null before the first.'),
    faults: z.array(faultNameSchema).max(32).describe('Faults of the whole edge.'),
    gates: z.array(gateStateSchema).max(wireLimits.maxGatesPerEdge),
  })
  .describe('The edge is there, and how it is.');
export type OnlineState = z.infer<typeof onlineStateSchema>;

/** The last will: published by the broker when the connection breaks, by the edge when it stops. */
export const offlineStateSchema = z
  .strictObject({ presence: z.literal('offline'), instance })
  .describe('This instance is gone.');
export type OfflineState = z.infer<typeof offlineStateSchema>;

export const stateSchema = z.discriminatedUnion('presence', [onlineStateSchema, offlineStateSchema]);
export type EdgeState = z.infer<typeof stateSchema>;

const freeOfTotal = { free: z.int().min(0), total: z.int().min(0) };

/** `gatehouse/v1/{siteId}/occupancy`, centre to signs, retained. */
export const occupancySchema = z
  .strictObject({
    siteId: slugSchema,
    atMs: wallMsSchema,
    vehiclesInside: z.int().min(0),
    capacity: z.int().min(0),
    free: z.int().min(0).describe('Vehicles that would still be admitted.'),
    zones: z.array(z.strictObject({ zoneId: slugSchema, ...freeOfTotal })).max(1000),
    classes: z.array(z.strictObject({ slotClass: slotClassSchema, ...freeOfTotal })).max(slotClasses.length),
  })
  .describe('How full the site is.');
export type Occupancy = z.infer<typeof occupancySchema>;
