/** What edges have sent and no turn has taken yet: a bounded window an edge, served in turns so that none starves another. */
import type { Work } from '../turn/work.js';
import type { Received } from './context.js';
import type { ReceivedState } from './state-work.js';

export interface InboxSettings {
  readonly inboxBatchesPerEdge: number;
  readonly inboxBytesPerEdge: number;
}

export interface InboxWorkshop {
  /** null when there is nothing to do for it. */
  batchWork(received: Received): Work | null;
  stateWork(edgeId: string, state: ReceivedState): Work | null;
  /** A batch that had its place is dropped, unacknowledged. */
  onDropped(edgeId: string): void;
  /** The very batch waits already. */
  onRepeated(edgeId: string): void;
}

export interface Inbox {
  /**
   * False when the edge's window is full: the message is dropped, unacknowledged. One that waits already is not kept twice: the edge
   * hears of both when it is stored.
   */
  offerBatch(received: Received): boolean;
  /** Only the newest state is kept. */
  offerState(edgeId: string, state: ReceivedState): void;
  /** At most `maxBatches` batches and about `maxBytes` bytes, one batch an edge at a time, going round. */
  take(maxBatches: number, maxBytes: number): Work[];
  /**
   * Reads some of what the next `take` with these bounds will take, so that it need not; false when all of that is read.
   */
  readAhead(maxBatches: number, maxBytes: number): boolean;
  /** Whether `take` would find anything. */
  hasWaiting(): boolean;
  /** Work of the last `take`, in the order it was taken; other work is ignored. What came meanwhile and has no room any more is dropped. */
  giveBack(work: readonly Work[]): void;
  forget(edgeId: string): void;
  readonly pendingBatches: number;
}

interface Waiting {
  readonly bytes: number;
  /** As it came. */
  readonly payload: Uint8Array;
  /** null once it is read. */
  received: Received | null;
  /** null until it is read, and when there is nothing to do for it. */
  work: Work | null;
}

interface Window {
  readonly batches: Waiting[];
  bytes: number;
  state: ReceivedState | null;
}

/** Bytes that are read ahead without a pause, about: a commit that has ended meanwhile waits for it. */
const readAheadBytes = 32 * 1024;

type Origin = { readonly edgeId: string } & ({ readonly state: ReceivedState } | { readonly payload: Uint8Array });

export function createInbox(settings: InboxSettings, workshop: InboxWorkshop): Inbox {
  const windows = new Map<string, Window>();
  /** Edges with something waiting, each once, the next to be served first. */
  let round: string[] = [];
  const inRound = new Set<string>();
  /** Of what was taken last. Made anew instead of cleared: an old table of a Map keeps what was in it, and the next table, for long. */
  let origins = new Map<Work, Origin>();

  const windowOf = (edgeId: string): Window => {
    const known = windows.get(edgeId);
    if (known !== undefined) return known;
    const window: Window = { batches: [], bytes: 0, state: null };
    windows.set(edgeId, window);
    return window;
  };

  const queueUp = (edgeId: string): void => {
    if (inRound.has(edgeId)) return;
    inRound.add(edgeId);
    round.push(edgeId);
  };

  const dropNewest = (edgeId: string, window: Window): void => {
    const { inboxBatchesPerEdge, inboxBytesPerEdge } = settings;
    while (window.batches.length > inboxBatchesPerEdge || window.bytes > inboxBytesPerEdge) {
      const dropped = window.batches.pop();
      if (dropped === undefined) return;
      window.bytes -= dropped.bytes;
      workshop.onDropped(edgeId);
    }
  };

  const takeState = (edgeId: string, window: Window, taken: Work[]): void => {
    const { state } = window;
    if (state === null) return;
    window.state = null;
    const work = workshop.stateWork(edgeId, state);
    if (work === null) return;
    origins.set(work, { edgeId, state });
    taken.push(work);
  };

  const takeBatch = (edgeId: string, window: Window, taken: Work[]): void => {
    const next = window.batches.shift();
    if (next === undefined) return;
    window.bytes -= next.bytes;
    read(next);
    if (next.work === null) return;
    origins.set(next.work, { edgeId, payload: next.payload });
    taken.push(next.work);
  };

  /** Answers whether there was anything to read. */
  const read = (waiting: Waiting): boolean => {
    if (waiting.received === null) return false;
    const { received } = waiting;
    waiting.received = null;
    waiting.work = workshop.batchWork(received);
    return true;
  };

  return {
    offerBatch(received) {
      const window = windowOf(received.edgeId);
      const bytes = received.payload.byteLength;
      const isFull =
        window.batches.length >= settings.inboxBatchesPerEdge || window.bytes + bytes > settings.inboxBytesPerEdge;
      if (window.batches.some(({ payload }) => isSame(payload, received.payload))) {
        workshop.onRepeated(received.edgeId);
        return true;
      }
      if (isFull) return false;
      window.batches.push({ bytes, payload: received.payload, received, work: null });
      window.bytes += bytes;
      queueUp(received.edgeId);
      return true;
    },
    offerState(edgeId, state) {
      const window = windowOf(edgeId);
      window.state = merged(window.state, state);
      queueUp(edgeId);
    },
    take(maxBatches, maxBytes) {
      const taken: Work[] = [];
      origins = new Map();
      let batches = 0;
      let bytes = 0;
      while (round.length > 0 && batches < maxBatches && bytes < maxBytes) {
        const edgeId = round.shift() ?? '';
        inRound.delete(edgeId);
        const window = windowOf(edgeId);
        takeState(edgeId, window, taken);
        batches += 1;
        bytes += window.batches[0]?.bytes ?? 0;
        takeBatch(edgeId, window, taken);
        if (window.batches.length > 0) queueUp(edgeId);
        else windows.delete(edgeId);
      }
      return taken;
    },
    readAhead(maxBatches, maxBytes) {
      let batches = 0;
      let bytes = 0;
      let readBytes = 0;
      let serving = round;
      for (let depth = 0; serving.length > 0; depth += 1) {
        const withMore: string[] = [];
        for (const edgeId of serving) {
          if (batches >= maxBatches || bytes >= maxBytes || readBytes >= readAheadBytes) return readBytes > 0;
          const queue = windows.get(edgeId)?.batches ?? [];
          const waiting = queue[depth];
          batches += 1;
          if (waiting === undefined) continue;
          bytes += waiting.bytes;
          if (read(waiting)) readBytes += Math.max(1, waiting.bytes);
          if (queue.length > depth + 1) withMore.push(edgeId);
        }
        serving = withMore;
      }
      return readBytes > 0;
    },
    hasWaiting: () => round.length > 0,
    giveBack(works) {
      for (const work of [...works].reverse()) {
        const origin = origins.get(work);
        if (origin === undefined) continue;
        const window = windowOf(origin.edgeId);
        if ('state' in origin) {
          window.state = window.state === null ? origin.state : merged(origin.state, window.state);
        } else {
          const { payload } = origin;
          const bytes = payload.byteLength;
          window.batches.unshift({ bytes, payload, received: null, work });
          window.bytes += bytes;
          dropNewest(origin.edgeId, window);
        }
        queueUp(origin.edgeId);
      }
    },
    forget(edgeId) {
      windows.delete(edgeId);
      if (inRound.delete(edgeId)) round = round.filter((other) => other !== edgeId);
    },
    get pendingBatches() {
      let count = 0;
      for (const window of windows.values()) count += window.batches.length;
      return count;
    },
  };
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  const { length } = one;
  if (length !== other.length) return false;
  // Asked for its length with each byte, it takes ten times as long.
  for (let index = 0; index < length; index += 1) if (one[index] !== other[index]) return false;
  return true;
}

/** The newer state, with what the one it replaces would have caused. */
function merged(older: ReceivedState | null, newer: ReceivedState): ReceivedState {
  return {
    state: newer.state,
    isNewConnection: newer.isNewConnection || older?.isNewConnection === true,
    isConflicting: newer.isConflicting || older?.isConflicting === true,
  };
}
