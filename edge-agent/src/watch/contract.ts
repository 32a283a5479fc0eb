/** `GET /lanes` of an agent’s page: what its gates see and ask for now, and what changed lately. */
import { z } from 'zod';

const inputSchema = z.object({
  name: z.string(),
  active: z.boolean(),
  forMs: z.number(),
  changes: z.number(),
  bounces: z.number().nullable(),
});
export type InputView = z.output<typeof inputSchema>;

const outputSchema = z.object({
  name: z.string(),
  value: z.string(),
  forMs: z.number().nullable(),
  times: z.number(),
});
export type OutputView = z.output<typeof outputSchema>;

/** What the lane makes of its inputs. */
const laneSchema = z.object({
  barrier: z.string(),
  mode: z.string(),
  /** Where a vehicle is: on the loop it came to first, on both, on the other, or between them. */
  vehicle: z.enum(['first', 'both', 'last', 'between']).nullable(),
  /** How far its arrival has come. */
  arrival: z.string().nullable(),
  passages: z.object({ entry: z.number(), exit: z.number() }),
  faults: z.array(z.string()),
});
export type LaneView = z.output<typeof laneSchema>;

const gateSchema = z.object({
  gateId: z.string(),
  direction: z.string(),
  /** Null where no agent runs that could tell. */
  lane: laneSchema.nullable(),
  inputs: z.array(inputSchema),
  outputs: z.array(outputSchema),
  trouble: z.string().nullable(),
});
export type GateView = z.output<typeof gateSchema>;

const changeSchema = z.object({
  cursor: z.number(),
  atMs: z.number(),
  gateId: z.string(),
  line: z.string(),
  value: z.string(),
  lastedMs: z.number().nullable(),
  isBounce: z.boolean(),
});
export type ChangeView = z.output<typeof changeSchema>;

export const lanesAnswerSchema = z.object({
  siteId: z.string(),
  edgeId: z.string(),
  /** Changes with every start of the agent; cursors begin again then. */
  instance: z.string(),
  atMs: z.number(),
  gates: z.array(gateSchema),
  /** Those after the cursor that was asked for, oldest first. */
  changes: z.array(changeSchema),
  /** Ask for what comes after this next time. */
  next: z.number(),
  /** Changes after the cursor that were forgotten already. */
  missed: z.number(),
});
export type LanesAnswer = z.output<typeof lanesAnswerSchema>;

export const lanesQuerySchema = z.object({ after: z.coerce.number().int().min(0).default(0) });
