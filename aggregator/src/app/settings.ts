/** Settings of the aggregator's application. Every bound has its unit in its name; every member has a default. */
import { z } from 'zod';

const count = (max: number): z.ZodInt => z.int().min(1).max(max);
const ms = (min: number, max: number): z.ZodInt => z.int().min(min).max(max);
const days = z.number().min(0.01).max(36_500);

const dayMs = 86_400_000;
const hourMs = 3_600_000;

const commitSettings = z
  .strictObject({
    maxTurnBatches: count(10_000).default(256).describe('Event batches that one commit takes together.'),
    maxTurnBytes: count(64 * 1024 * 1024)
      .default(256 * 1024)
      .describe('Payload bytes that one commit takes together: a longer turn makes waiting vehicles wait longer.'),
    maxTurnOperations: count(10_000).default(64).describe('Acts of operators that one commit takes together.'),
    maxQueuedOperations: count(100_000).default(1_000).describe('Acts of operators that may wait; more are refused.'),
    retryMinMs: ms(1, 60_000).default(250).describe('Pause after the first commit that the disk refused.'),
    retryMaxMs: ms(1, hourMs).default(10_000).describe('Longest pause between tries while the disk refuses.'),
  })
  .prefault({});

const ingestSettings = z
  .strictObject({
    inboxBatchesPerEdge: count(1_000)
      .default(8)
      .describe('Batches of one edge that may wait; more are dropped unacknowledged, and sent again by the edge.'),
    inboxBytesPerEdge: count(64 * 1024 * 1024).default(1024 * 1024),
    unreadablePayloadsPerEdgePerMinute: count(1_000)
      .default(6)
      .describe('Payloads that cannot be read and are put in quarantine; more are only counted.'),
  })
  .prefault({});

const edgeSettings = z
  .strictObject({
    stateIntervalMs: ms(100, hourMs).default(10_000).describe('How often edges report their state.'),
    missedStates: count(100).default(3).describe('An edge is offline after this many intervals without a state.'),
    clockOffsetBoundMs: ms(100, dayMs)
      .default(30_000)
      .describe('An edge clock further off than this is flagged, and the times of its events are corrected.'),
    alarmPeriodMs: ms(1_000, dayMs)
      .default(600_000)
      .describe('One identity-conflict alarm an edge in this time, however often it shows.'),
    maxRetiredEpochs: count(10_000).default(256).describe('Replaced outbox epochs kept, an edge; the oldest go first.'),
    decisionResendMs: ms(0, 60_000)
      .default(1_000)
      .describe('A decision is sent again on a state that still lists its arrival, if this long ago.'),
    logLines: z
      .int()
      .min(0)
      .max(1_000)
      .default(200)
      .describe('Log lines of one edge kept in memory; 0: no edge is asked for its log.'),
    logChars: count(1024 * 1024 * 1024)
      .default(16 * 1024 * 1024)
      .describe(
        'Characters of the log lines of all edges together; those of the edge that was quiet the longest go first.',
      ),
  })
  .prefault({});

const retentionSettings = z
  .strictObject({
    intervalMs: ms(1_000, dayMs).default(60_000).describe('How often old rows are looked for.'),
    stepMs: ms(1, 10_000)
      .default(5)
      .describe(
        'Rows are deleted so many at a time that it takes about this long, or half as long again as the last commits took if that is longer: a vehicle waits for one such step at most.',
      ),
    timeSharePercent: count(100)
      .default(25)
      .describe('Share of the time that these steps take while there is something to delete.'),
    rowsPerStep: count(10_000).default(500).describe('Rows deleted at a time at most, between two commits.'),
    credentialsPerStep: count(10_000)
      .default(100)
      .describe(
        'Plates, tags and tickets looked at in a step at most; those that nothing stored refers to are deleted.',
      ),
    stepsPerInterval: count(10_000)
      .default(40)
      .describe('Steps that look at plates, tags and tickets at most before the next interval.'),
    sessionsDays: days.default(730),
    eventsDays: days.default(90),
    arrivalsDays: days.default(90),
    reviewsDays: days.default(730),
    quarantineDays: days.default(90),
    noticesDays: days.default(7),
    commandsDays: days.default(90),
    idempotencyDays: days.default(1),
    auditDays: days
      .default(3_650)
      .describe(
        'How long entries of the audit log are kept, and a day more: those that go are named in an entry of their own.',
      ),
  })
  .prefault({});

export const aggregatorSettingsSchema = z.strictObject({
  commit: commitSettings,
  ingest: ingestSettings,
  edges: edgeSettings,
  retention: retentionSettings,
  decisionTtlMs: ms(100, hourMs)
    .default(30_000)
    .describe('For how long after the arrival a decision may open the gate.'),
  commandDeadlineMs: ms(100, 60_000).default(5_000).describe('A command is not begun later than this.'),
  maxQueuedPublishesPerEdge: count(100_000).default(256),
  publishTimeoutMs: ms(10, 60_000)
    .default(5_000)
    .describe('A publish the broker does not take in this time is given up.'),
  occupancyIntervalMs: ms(10, hourMs)
    .default(1_000)
    .describe('Shortest time between two occupancy messages of a site.'),
  allowanceIntervalMs: ms(10, hourMs)
    .default(2_000)
    .describe(
      'Shortest time between two looks at how many slots are set aside for each edge, unless the site is full.',
    ),
  tickIntervalMs: ms(100, dayMs).default(60_000).describe('How often age limits are looked at.'),
  maxIdleCredentials: count(10_000_000)
    .default(50_000)
    .describe('Credentials kept in memory that no vehicle, open session or open arrival refers to.'),
  stopTimeoutMs: ms(100, 60_000).default(5_000).describe('How long stopping waits for the running commit.'),
});
export type AggregatorSettings = z.infer<typeof aggregatorSettingsSchema>;
