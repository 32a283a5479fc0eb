/**
 * Events: what an edge agent reports. One is committed to the edge's outbox before it is announced, and its canonical JSON
 * extends the epoch's hash chain, so an event never changes once written.
 *
 * Unknown members are refused for known kinds. An unknown *kind* is accepted with any members (`futureEventSchema`): it comes
 * from a newer edge, is stored and flagged, and never blocks what follows.
 */
import { z } from 'zod';
import { faultNameSchema } from '../faults.js';
import {
  admissionBasisSchema,
  credentialSchema,
  denialReasonSchema,
  directionSchema,
  hex128Schema,
  laneModeSchema,
  monoMsSchema,
  seqSchema,
  sha256HexSchema,
  slotClassSchema,
  slugSchema,
  wallMsSchema,
} from '../vocabulary.js';
import { wireLimits } from './limits.js';

const text = z.string().max(wireLimits.maxTextChars);
const lossCount = z.int().min(0).max(wireLimits.maxLostEvents);
const slotRef = slugSchema.describe('The slot in question.');
const arrivalRef = seqSchema.describe('The arrival in question: the seq of its vehicle-arrived event in this epoch.');

/** Where an event resent under a new epoch stood before: lets the aggregator drop what it already has. */
export const originSchema = z
  .strictObject({ epoch: hex128Schema, seq: seqSchema, hash: sha256HexSchema })
  .describe('Where this event stood in an earlier epoch, when it is sent again under a new one.');
export type EventOrigin = z.infer<typeof originSchema>;

const common = {
  atMs: wallMsSchema.describe(
    "The edge's wall-clock time of the event, ms since the Unix epoch. May be wrong; order is by seq.",
  ),
  monoMs: monoMsSchema.describe("The edge's monotonic time of the event, ms; comparable within one bootId."),
  bootId: hex128Schema.describe('Drawn at each boot of the machine (or start of the agent where that cannot be told).'),
  origin: originSchema.optional(),
};
const atGate = { ...common, gateId: slugSchema.describe('The gate it happened at.') };

/** How a passage was recognised when it was not the plain sequence of loops. */
export const passageFlagSchema = z.enum(['suspected-tailgate', 'degraded-loops', 'long-vehicle', 'loops-apart']);
export type PassageFlag = z.infer<typeof passageFlagSchema>;

const kinds = [
  z
    .strictObject({
      kind: z.literal('vehicle-arrived'),
      ...atGate,
      direction: directionSchema,
      credential: credentialSchema.nullable().describe('What it showed, or null at a gate that has sensors only.'),
      vehicleClass: slotClassSchema
        .nullable()
        .describe('The class of slot it needs as far as the gate can tell, else null.'),
      supersedes: seqSchema
        .nullable()
        .describe('The arrival this one replaces: the same vehicle showed a new credential.'),
    })
    .describe('A vehicle presented itself. The seq of this event names the arrival.'),
  z
    .strictObject({
      kind: z.literal('vehicle-admitted'),
      ...atGate,
      arrival: arrivalRef,
      slotId: slotRef.nullable(),
      basis: admissionBasisSchema,
    })
    .describe('The edge admitted the vehicle by itself. Committed before the barrier is asked to open.'),
  z
    .strictObject({ kind: z.literal('vehicle-denied'), ...atGate, arrival: arrivalRef, reason: denialReasonSchema })
    .describe('The edge turned the vehicle away by itself.'),
  z
    .strictObject({
      kind: z.literal('vehicle-passed'),
      ...atGate,
      direction: directionSchema,
      arrival: arrivalRef.nullable().describe('The arrival that passed; null when it passed without one.'),
      slotId: slotRef.nullable().describe('The slot it was given, if any.'),
      basis: admissionBasisSchema,
      flags: z.array(passageFlagSchema).max(4),
    })
    .describe('Terminal: the vehicle went through.'),
  z
    .strictObject({
      kind: z.literal('vehicle-backed-out'),
      ...atGate,
      arrival: arrivalRef,
      slotId: slotRef.nullable(),
      basis: admissionBasisSchema,
    })
    .describe('Terminal: the vehicle was admitted, and left the way it came.'),
  z
    .strictObject({
      kind: z.literal('arrival-void'),
      ...atGate,
      arrival: arrivalRef,
      slotId: slotRef.nullable(),
      basis: admissionBasisSchema,
      reason: z.enum(['left', 'superseded', 'mode', 'free-flow']),
    })
    .describe('Terminal: the vehicle left unserved, or its arrival was replaced.'),
  z
    .strictObject({
      kind: z.literal('arrival-unresolved'),
      ...atGate,
      arrival: arrivalRef,
      slotId: slotRef.nullable(),
      basis: admissionBasisSchema,
    })
    .describe('Terminal: the agent restarted while the arrival was open and cannot know what became of the vehicle.'),
  z
    .strictObject({
      kind: z.literal('vehicle-tailgated'),
      ...atGate,
      direction: directionSchema,
      leader: seqSchema.nullable().describe('The arrival it followed through.'),
    })
    .describe('A vehicle went through behind another without a decision of its own.'),
  z
    .strictObject({
      kind: z.literal('wrong-way'),
      ...atGate,
      direction: directionSchema.describe('Which way the vehicle went.'),
      passed: z.boolean().describe('Whether it went all the way; false if it turned back.'),
    })
    .describe('A vehicle came from the side this gate does not serve.'),
  z
    .strictObject({ kind: z.literal('barrier-forced'), ...atGate })
    .describe('The arm opened and nobody had asked for it.'),
  z
    .strictObject({
      kind: z.literal('free-flow-passed'),
      ...atGate,
      direction: directionSchema,
      mode: laneModeSchema,
    })
    .describe('A vehicle went through while the arm was held open by an operator or by fire.'),
  z
    .strictObject({ kind: z.literal('mode-changed'), ...atGate, mode: laneModeSchema, by: text })
    .describe('The lane is run in another mode now.'),
  z
    .strictObject({
      kind: z.literal('fault-raised'),
      ...common,
      gateId: slugSchema.nullable(),
      fault: faultNameSchema,
      detail: text,
    })
    .describe('Something is wrong, by the fault catalogue. gateId is null for a fault of the whole edge.'),
  z
    .strictObject({
      kind: z.literal('fault-cleared'),
      ...common,
      gateId: slugSchema.nullable(),
      fault: faultNameSchema,
    })
    .describe('It is right again.'),
  z
    .strictObject({
      kind: z.literal('command-completed'),
      ...atGate,
      commandId: hex128Schema,
      result: z.enum(['done', 'refused', 'expired']),
      detail: text,
    })
    .describe('A command was carried out, refused, or came too late to be.'),
  z
    .strictObject({ kind: z.literal('command-unknown'), ...atGate, commandId: hex128Schema })
    .describe('The agent stopped between accepting a command and carrying it out, and cannot know how far it came.'),
  z
    .strictObject({
      kind: z.literal('allowance-accepted'),
      ...common,
      version: z.int().min(1).max(wireLimits.maxReportedAllowanceVersion),
      returned: z
        .array(slugSchema)
        .max(wireLimits.maxReturnedSlots)
        .describe('Slots it held that are not in this set: free to be reused.'),
      remaining: z
        .int()
        .min(0)
        .describe(
          'Slots it holds beyond this set, because one event has no room to return more: they may still be given out.',
        ),
    })
    .describe('The edge stored a set of allowance slots; it will not give out those it returns here.'),
  z
    .strictObject({
      kind: z.literal('events-lost'),
      ...common,
      reason: z
        .enum(['outbox-full', 'outbox-failing', 'outbox-damaged', 'arrival-not-kept'])
        .describe('arrival-not-kept: it could not go into a new epoch without the arrival it speaks of.'),
      lost: lossCount.describe('How many events were not kept.'),
      entries: lossCount.describe('Entry passages counted while nothing could be kept.'),
      exits: lossCount.describe('Exit passages counted while nothing could be kept.'),
    })
    .describe('The edge could not keep events. The counts move; what they were is lost.'),
] as const;

export const edgeEventSchema = z.discriminatedUnion('kind', kinds);
export type EdgeEvent = z.infer<typeof edgeEventSchema>;
export type EdgeEventKind = EdgeEvent['kind'];
export type EdgeEventOf<K extends EdgeEventKind> = Extract<EdgeEvent, { kind: K }>;

export const edgeEventKinds: readonly EdgeEventKind[] = kinds.map((kind) => kind.shape.kind.value);

/** An event of a kind this program does not know: stored, flagged and passed over. */
export const futureEventSchema = z
  .looseObject({ kind: slugSchema, atMs: wallMsSchema, monoMs: monoMsSchema, bootId: hex128Schema })
  .refine((event) => !(edgeEventKinds as readonly string[]).includes(event.kind), {
    message: 'is a known kind',
    path: ['kind'],
  })
  .describe('An event of a kind that is newer than this document.');
export type FutureEvent = z.infer<typeof futureEventSchema>;

/** The kinds that end an arrival. */
export const terminalKinds = ['vehicle-passed', 'vehicle-backed-out', 'arrival-void', 'arrival-unresolved'] as const;
export type TerminalKind = (typeof terminalKinds)[number];
