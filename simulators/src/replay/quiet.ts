/**
 * Watches an edge's own ports to know when nothing is on its way between gate and aggregator, and keeps simulated time slow while
 * something is. It looks on; it changes nothing that goes through.
 */
import type { BarrierDriver, EdgeLink, OutboxStore } from '@gatehouse/edge-agent';
import { ackSchema, decisionSchema, parsePayload, terminalKinds } from '@gatehouse/shared';
import type { Clock, DenialReason } from '@gatehouse/shared';
import type { ElasticClock } from '../clock/elastic-clock.js';

export interface QuietWatch {
  watchOutbox(outbox: OutboxStore): OutboxStore;
  watchLink(link: EdgeLink): EdgeLink;
  /** Nothing being written, unacknowledged or undecided. */
  readonly isQuiet: boolean;
  watchBarrier(gateId: string, barrier: BarrierDriver): BarrierDriver;
  /** A vehicle is in the lane: time is not faster than physics can be followed. */
  noteOccupied(gateId: string, occupied: boolean): void;
  /** A vehicle has come to a gate; time is slow until the arm is asked to open, or the vehicle goes on or away. */
  noteArrival(gateId: string): void;
  noteMoved(gateId: string): void;
  /** Why the aggregator denied the vehicle that is at a gate, if it did. */
  denialAt(gateId: string): DenialReason | null;
}

/** Simulated ms in a real one while an answer is awaited: a round trip of 10 ms is half a second at the gate. */
const attentivePace = 50;
/** Simulated ms in a real one while vehicles are in a lane: a passage takes a few real milliseconds. */
const movingPace = 2_000;
/** Real time in which an agent that was told to deny has put it on the sign. */
const denialMs = 10;

export function createQuietWatch(clock: ElasticClock, realClock: Clock): QuietWatch {
  const gateOfArrival = new Map<number, string>();
  const undecided = new Set<string>();
  const denials = new Map<string, DenialReason>();
  let writing = 0;
  let publishing = 0;
  let appendedUpTo = 0;
  let ackedUpTo = 0;
  const occupied = new Map<string, () => void>();
  let release: (() => void) | undefined;

  const isQuiet = (): boolean => writing === 0 && publishing === 0 && undecided.size === 0 && ackedUpTo >= appendedUpTo;
  const repace = (): void => {
    if (isQuiet()) {
      release?.();
      release = undefined;
    } else release ??= clock.slowTo(attentivePace);
  };
  const during = async <T>(count: (by: 1 | -1) => void, work: () => Promise<T>): Promise<T> => {
    count(1);
    repace();
    try {
      return await work();
    } finally {
      count(-1);
      repace();
    }
  };
  const countWriting = (by: 1 | -1): void => {
    writing += by;
  };
  const countPublishing = (by: 1 | -1): void => {
    publishing += by;
  };

  const noteEvent = (seq: number, json: string): void => {
    const event = JSON.parse(json) as { kind: string; gateId?: string; arrival?: number };
    if (event.kind === 'vehicle-arrived' && event.gateId !== undefined) gateOfArrival.set(seq, event.gateId);
    if ((terminalKinds as readonly string[]).includes(event.kind) && event.arrival !== undefined) {
      gateOfArrival.delete(event.arrival);
    }
  };
  const noteMoved = (gateId: string): void => {
    if (undecided.delete(gateId)) repace();
  };
  const noteMessage = (channel: string, payload: Uint8Array): void => {
    if (channel === 'acks') {
      const ack = parsePayload(ackSchema, payload);
      if (ack.ok) ackedUpTo = Math.max(ackedUpTo, ack.value.upTo);
    } else if (channel === 'decisions') {
      const decision = parsePayload(decisionSchema, payload);
      const gateId = decision.ok ? gateOfArrival.get(decision.value.arrival) : undefined;
      if (!decision.ok || gateId === undefined || decision.value.reason === null) return;
      denials.set(gateId, decision.value.reason);
      realClock.setTimer(denialMs, () => {
        noteMoved(gateId);
      });
    }
    repace();
  };

  return {
    watchOutbox: (outbox) => ({
      ...bound(outbox),
      append: (write) =>
        during(countWriting, async () => {
          await outbox.append(write);
          for (const { seq, json } of write.events) {
            noteEvent(seq, json);
            appendedUpTo = Math.max(appendedUpTo, seq);
          }
        }),
    }),
    watchLink: (link) => ({
      start: (handlers, will) =>
        link.start(
          {
            onUp: () => {
              handlers.onUp();
            },
            onDown: (reason) => {
              handlers.onDown(reason);
            },
            onMessage(channel, payload) {
              handlers.onMessage(channel, payload);
              noteMessage(channel, payload);
            },
          },
          will,
        ),
      publish: (channel, payload) => during(countPublishing, () => link.publish(channel, payload)),
      get isUp() {
        return link.isUp;
      },
      stop: (farewell) => link.stop(farewell),
    }),
    get isQuiet() {
      return isQuiet();
    },
    noteArrival(gateId) {
      denials.delete(gateId);
      undecided.add(gateId);
      repace();
    },
    noteMoved,
    noteOccupied(gateId, isOccupied) {
      if (isOccupied && !occupied.has(gateId)) occupied.set(gateId, clock.slowTo(movingPace));
      if (isOccupied) return;
      occupied.get(gateId)?.();
      occupied.delete(gateId);
    },
    watchBarrier: (gateId, barrier) => ({
      ...barrier,
      requestOpen() {
        barrier.requestOpen();
        noteMoved(gateId);
      },
    }),
    denialAt: (gateId) => denials.get(gateId) ?? null,
  };
}

/** The methods of a store, to be spread. */
function bound(outbox: OutboxStore): OutboxStore {
  return {
    open: (newEpoch) => outbox.open(newEpoch),
    append: (write) => outbox.append(write),
    read: (fromSeq, maxEvents, maxBytes) => outbox.read(fromSeq, maxEvents, maxBytes),
    hashAt: (seq) => outbox.hashAt(seq),
    acknowledge: (upTo, atMs) => outbox.acknowledge(upTo, atMs),
    rewind: (upTo) => outbox.rewind(upTo),
    trim: (bounds) => outbox.trim(bounds),
    beginEpoch: (epoch, beginning) => outbox.beginEpoch(epoch, beginning),
    countLoss: (loss) => outbox.countLoss(loss),
    close: () => outbox.close(),
  };
}
