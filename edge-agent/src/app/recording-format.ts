/**
 * A recording of what happened to lanes, as JSON Lines: a header, then a line for each happening, in the order the lanes took
 * them. A header further down begins another run of the agent, with a monotonic clock of its own. What follows from time alone
 * is left out: it follows again.
 */
import {
  admissionBasisSchema,
  commandKinds,
  credentialSchema,
  denialReasonSchema,
  directionSchema,
  gateDirectionSchema,
  slugSchema,
  wireLimits,
} from '@gatehouse/shared/edge';
import { z } from 'zod';
import { laneInputs } from '../domain/lane/vocabulary.js';
import { laneSettingsSchema } from './settings.js';

/** Characters of one line, at most. */
export const maxRecordingLineChars = 64 * 1024;
/** Gates in one header, at most. */
const maxRecordedGates = wireLimits.maxGatesPerEdge;

export const recordingHeaderSchema = z.strictObject({
  type: z.literal('lane-recording'),
  version: z.literal(1),
  origin: z
    .enum(['recorded', 'hand-made', 'simulated'])
    .describe('From a real agent; written by a person; or recorded at a simulated barrier.'),
  note: z.string().max(1_000).optional(),
  agentVersion: z.string().min(1).max(40),
  gates: z
    .array(
      z.strictObject({
        gateId: slugSchema,
        direction: gateDirectionSchema,
        hasReader: z.boolean().default(false),
        lane: laneSettingsSchema.prefault({}),
      }),
    )
    .min(1)
    .max(maxRecordedGates),
});
export type RecordingHeader = z.output<typeof recordingHeaderSchema>;

const inputSchema = z.enum(laneInputs);
const monoMs = z.number().min(0).describe('On the monotonic clock of the run, in milliseconds; may carry a fraction.');
const arrivalId = z.int().min(1);
const slot = { slotId: z.string().max(200).nullable(), slotLabel: z.string().max(40).nullable() };
const common = { gateId: slugSchema, atMs: monoMs };

const choiceSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('admit'),
    basis: z.enum(['allowance', 'exit-alone', 'opted-in']),
    ...slot,
  }),
  z.strictObject({ outcome: z.literal('deny'), reason: denialReasonSchema }),
]);

export const recordingLineSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('started'),
    ...common,
    levels: z.partialRecord(inputSchema, z.boolean()).describe('Every wired input, and whether it was active.'),
    mode: z.enum(['automatic', 'hold-open', 'locked']),
    former: z
      .strictObject({
        direction: directionSchema,
        credential: credentialSchema.nullable().describe('Its value is an alias.'),
        basis: admissionBasisSchema,
        slotId: slot.slotId,
      })
      .optional()
      .describe('Who was there when the run before ended.'),
    nextArrivalId: arrivalId.optional().describe('Where a file goes on with a run: arrivals are named on from here.'),
  }),
  z.strictObject({ type: z.literal('edge'), ...common, input: inputSchema, active: z.boolean() }),
  z.strictObject({
    type: z.literal('read'),
    ...common,
    credential: credentialSchema.describe('Its value is an alias.'),
    readAtMs: monoMs,
    direction: directionSchema.optional().describe('Which way the vehicles go that its reader sees.'),
    trackId: z.string().min(1).max(128).optional().describe('The reader’s own name of the vehicle.'),
  }),
  z.strictObject({
    type: z.literal('decision'),
    ...common,
    arrivalId,
    revision: z.int().min(1),
    basis: z.enum(['decision', 'operator']),
    outcome: z.enum(['admit', 'deny']),
    ...slot,
    reason: denialReasonSchema.nullable(),
  }),
  z.strictObject({ type: z.literal('local-choice'), ...common, arrivalId, choice: choiceSchema }),
  z.strictObject({ type: z.literal('admission-recorded'), ...common, arrivalId }),
  z.strictObject({ type: z.literal('admission-failed'), ...common, arrivalId }),
  z.strictObject({
    type: z.literal('command'),
    ...common,
    commandId: z.string().max(200),
    kind: z.enum(commandKinds).exclude(['restart']),
    by: z.string().max(200),
  }),
  z.strictObject({ type: z.literal('trouble'), ...common, detail: z.string().max(1_000) }),
  z.strictObject({ type: z.literal('trouble-over'), ...common }),
  z
    .strictObject({ type: z.literal('dropped'), lines: z.int().min(1) })
    .describe('So many lines could not be kept here.'),
]);
export type RecordingLine = z.output<typeof recordingLineSchema>;
