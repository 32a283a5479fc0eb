/** Bounds of the wire. Both ends refuse what is beyond them; a broker's packet limit must be above `maxPayloadBytes`. */
export const wireLimits = {
  /** Events in one batch. */
  maxBatchEvents: 256,
  /** Canonical bytes of the events of one batch; a sender closes the batch before it. */
  maxBatchBytes: 64 * 1024,
  /** Canonical bytes of one event. */
  maxEventBytes: 8 * 1024,
  /** Bytes of any payload; the rest of a batch's message is well below what this leaves. */
  maxPayloadBytes: 128 * 1024,
  /** Arrivals named in one `waiting`: at most one a gate. */
  maxGatesPerEdge: 16,
  /** Slots in one allowance. */
  maxAllowanceSlots: 256,
  /** Slots that one `allowance-accepted` returns. */
  maxReturnedSlots: 100,
  /** Version of an allowance that an edge can report: the next one is above it. */
  maxReportedAllowanceVersion: 1_000_000_000_000_000,
  /** Entries in one page of the access list. */
  maxAccessEntries: 512,
  /** Pages of the access list. */
  maxAccessPages: 16,
  /** Events, or passages, that one `events-lost` tells of: so that totals stay numbers that can be counted with. */
  maxLostEvents: 1_000_000_000,
  /** Characters of any free text. */
  maxTextChars: 200,
  /** Bytes of one report of log lines. */
  maxLogReportBytes: 16 * 1024,
  /** Lines in one report. */
  maxLogLines: 200,
  /** Fields of one log line. */
  maxLogFields: 8,
} as const;
