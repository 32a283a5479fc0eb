/** Settings of an edge agent: what it runs, how its lanes behave, how it talks to the aggregator. Every value has a bound and, where one is possible, a default. */
import { gateDirectionSchema, slugSchema, wireLimits } from '@gatehouse/shared/edge';
import { z } from 'zod';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const mebibyte = 1024 * 1024;

const durationMs = (defaultMs: number, what: string, minMs = 1, maxMs = hourMs) =>
  z
    .int()
    .min(minMs)
    .max(maxMs)
    .default(defaultMs)
    .describe(`${what} In milliseconds, ${String(minMs)} to ${String(maxMs)}.`);

/** How one lane behaves where makers of barriers differ. */
export const laneSettingsSchema = z.strictObject({
  countWhen: z
    .enum(['leaving-safety', 'leaving-arming'])
    .default('leaving-safety')
    .describe(
      'When a passage counts: when the second loop is released after the first one was (default), or already when the vehicle leaves the first loop towards the second.',
    ),
  onTailgating: z
    .enum(['close', 'hold', 'pause'])
    .default('close')
    .describe(
      'After a vehicle went through behind another: close when the loops are clear, hold open until an operator closes, or pause before closing.',
    ),
  tailgatingPauseMs: durationMs(10_000, 'How long `pause` waits before closing.'),
  closeWaitsFor: z
    .enum(['every-loop', 'safety-loops'])
    .default('every-loop')
    .describe(
      'What must be clear before the close timer starts. A vehicle that was turned away never keeps the arm up by standing on the arming loop.',
    ),
  platesSupersede: z
    .enum(['sure', 'never'])
    .default('sure')
    .describe(
      'Whether a sure read of another plate gives a vehicle that was turned away a second decision. Tags and tickets always do.',
    ),
  needsButton: z
    .boolean()
    .default(false)
    .describe('A vehicle without a read counts as arrived only when the ticket button is pressed.'),
  issuesTickets: z
    .boolean()
    .default(false)
    .describe(
      'The ticket button gives a vehicle that has shown nothing a ticket of its own: the sign shows its number when the vehicle is let in, and whoever shows that at an exit ends just that session.',
    ),
  vehicleClass: z
    .enum(['standard', 'ev', 'accessible', 'motorcycle', 'large'])
    .nullable()
    .default(null)
    .describe('Class of slot that every vehicle of this lane needs; null where the lane cannot tell.'),
  closeDelayMs: durationMs(1_000, 'From all loops clear to the close request.', 0),
  travelTimeMs: durationMs(
    8_000,
    'The longest the arm takes from limit to limit; later it counts as stuck.',
    100,
    120_000,
  ),
  loopGapMs: durationMs(4_000, 'The longest a short vehicle may be on neither loop while it goes through.', 0, 60_000),
  leaveDelayMs: durationMs(
    500,
    'How long the arming loop must be clear before a vehicle at a closed arm has left.',
    0,
    60_000,
  ),
  followGapMs: durationMs(
    2_000,
    'How soon after a passage the second loop, hit again, means a vehicle that follows.',
    0,
    60_000,
  ),
  readAfterMs: durationMs(2_000, 'How long a vehicle waits for a read.', 0, 60_000),
  readBeforeMs: durationMs(5_000, 'How long a read waits for a vehicle.', 0, 60_000),
  voteMs: durationMs(300, 'How long further reads are collected after an unsure one.', 0, 10_000),
  sureConfidence: z
    .number()
    .min(0)
    .max(1)
    .default(0.85)
    .describe('A complete read with at least this confidence needs no further reads.'),
  operatorOpenMs: durationMs(
    30_000,
    'How long an operator’s open command waits for a vehicle to pass.',
    1_000,
    10 * 60_000,
  ),
  forcedAfterMs: durationMs(4_000, 'How long the arm may be open unasked before that is an alarm.', 100, 600_000),
  heldOpenAfterMs: durationMs(120_000, 'How long the arm may stay open in automatic mode.', 1_000, dayMs),
  stuckAfterMs: durationMs(15 * 60_000, 'How long a loop may be occupied before it counts as stuck.', 1_000, dayMs),
  chatterEdges: z
    .int()
    .min(4)
    .max(1000)
    .default(20)
    .describe('More edges of one loop than this within `chatterWindowMs` are chatter.'),
  chatterWindowMs: durationMs(10_000, 'The window in which edges are counted.', 1_000, 600_000),
  contradictAfterMs: durationMs(300, 'How long both limits may be active at once.', 0, 60_000),
  deadAfterVehicles: z
    .int()
    .min(1)
    .max(1000)
    .default(3)
    .describe('After so many vehicles in a row that a loop did not see, it is dead.'),
  silentAfterVehicles: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe('After so many vehicles in a row without a read, the reader is silent.'),
});
export type LaneSettings = z.output<typeof laneSettingsSchema>;

export const gateSettingsSchema = z.strictObject({
  gateId: slugSchema,
  direction: gateDirectionSchema,
  hasReader: z
    .boolean()
    .default(false)
    .describe('Whether vehicles show credentials here: then each waits a moment for its read.'),
  lane: laneSettingsSchema.prefault({}),
});
export type GateSettings = z.output<typeof gateSettingsSchema>;

export const protocolSettingsSchema = z.strictObject({
  decisionTimeoutMs: durationMs(
    1_500,
    'How long after the arrival the edge waits for the aggregator before it decides alone.',
    10,
    60_000,
  ),
  windowBatches: z.int().min(1).max(64).default(4).describe('Batches sent and not yet acknowledged, at most.'),
  batchEvents: z
    .int()
    .min(1)
    .max(wireLimits.maxBatchEvents)
    .default(wireLimits.maxBatchEvents)
    .describe('Events in one batch, at most.'),
  batchBytes: z
    .int()
    .min(wireLimits.maxEventBytes)
    .max(wireLimits.maxBatchBytes)
    .default(wireLimits.maxBatchBytes)
    .describe('Canonical bytes of the events in one batch, at most.'),
  resendMinMs: durationMs(1_000, 'The first wait before unacknowledged batches are sent again.', 10, 600_000),
  resendMaxMs: durationMs(60_000, 'The longest wait before they are sent again.', 10, hourMs),
  stateIntervalMs: durationMs(10_000, 'How often the state is published.', 100, 600_000),
  stateCoalesceMs: durationMs(50, 'Changes of the state within this time go out together.', 0, 10_000),
  epochMinIntervalMs: durationMs(
    5_000,
    'The shortest time between two epochs; doubles with each until one is acknowledged.',
    10,
    hourMs,
  ),
  epochMaxIntervalMs: durationMs(hourMs, 'The longest time between two epochs.', 10, dayMs),
});
export type ProtocolSettings = z.output<typeof protocolSettingsSchema>;

export const outboxSettingsSchema = z.strictObject({
  maxBytes: z
    .int()
    .min(mebibyte)
    .max(64 * 1024 * mebibyte)
    .default(512 * mebibyte)
    .describe('Canonical bytes of events kept, acknowledged ones included. Acknowledged ones go first.'),
  maxEvents: z
    .int()
    .min(1_000)
    .max(100_000_000)
    .default(1_000_000)
    .describe(
      'Events that are not acknowledged yet, at most; then the outbox is full. Acknowledged ones go when there are more than nine tenths of this in all.',
    ),
  keepAcknowledgedMs: durationMs(
    7 * dayMs,
    'How long acknowledged events are kept for an aggregator restored from a backup. Counted while the agent runs, whatever its wall clock says.',
    0,
    90 * dayMs,
  ),
  trimIntervalMs: durationMs(60_000, 'How often acknowledged events beyond the bounds are deleted.', 100, dayMs),
  retryMinMs: durationMs(
    1_000,
    'The first wait before a store that refused an event is tried again; doubles.',
    10,
    hourMs,
  ),
  retryMaxMs: durationMs(30_000, 'The longest wait before it is tried again.', 10, hourMs),
});
export type OutboxSettings = z.output<typeof outboxSettingsSchema>;

export const restartSettingsSchema = z.strictObject({
  laneClearTimeoutMs: durationMs(
    10_000,
    'On SIGTERM: how long the agent waits until no vehicle is on its way through and no arm is moving. Nobody is decided about meanwhile. The service manager has to wait 10 s longer before it kills.',
    0,
    600_000,
  ),
  sameVehicleWithinMs: durationMs(
    120_000,
    'After a restart: a vehicle on the loops is the one that was let in if that was not longer ago and the machine has not booted since.',
    0,
  ),
});
export type RestartSettings = z.output<typeof restartSettingsSchema>;

export const policySettingsSchema = z.strictObject({
  openWhenNoAllowance: z
    .boolean()
    .default(false)
    .describe(
      'Entries admit without the aggregator although no slot is set aside. Gives up the promise that the site is never overbooked.',
    ),
  holdUnansweredAtExit: z
    .boolean()
    .default(false)
    .describe(
      'Exits turn vehicles away when the aggregator does not answer. Gives up the promise that exits let people out.',
    ),
});
export type PolicySettings = z.output<typeof policySettingsSchema>;

export const edgeSettingsSchema = z
  .strictObject({
    siteId: slugSchema,
    edgeId: slugSchema,
    gates: z.array(gateSettingsSchema).min(1).max(wireLimits.maxGatesPerEdge),
    protocol: protocolSettingsSchema.prefault({}),
    outbox: outboxSettingsSchema.prefault({}),
    policies: policySettingsSchema.prefault({}),
    restart: restartSettingsSchema.prefault({}),
  })
  .refine((settings) => new Set(settings.gates.map((gate) => gate.gateId)).size === settings.gates.length, {
    message: 'a gate is named twice',
    path: ['gates'],
  });
export type EdgeSettings = z.output<typeof edgeSettingsSchema>;
export type EdgeSettingsInput = z.input<typeof edgeSettingsSchema>;
