/** The material of worked message sequences: one edge's outbox, with its hashes, and messages that fit it. */
import { genesisHash, nextHash } from '@gatehouse/shared';
import type {
  Ack,
  AckConflict,
  Decision,
  EdgeEvent,
  EdgeEventKind,
  EdgeEventOf,
  EventBatch,
  GateState,
  OnlineState,
} from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';

/** What an event is besides its time, which the story gives it. */
type Told<K extends EdgeEventKind> = Omit<EdgeEventOf<K>, 'kind' | 'atMs' | 'monoMs' | 'bootId' | 'origin'>;

interface Kept {
  readonly event: EdgeEvent;
  readonly hash: string;
}

/** An edge of the story. Time goes on only when it is told to. */
export class StoryEdge {
  instance: string;
  epoch: string;
  bootId: string;
  acked = 0;
  oldest = 1;
  allowanceVersion = 0;
  lastDecisionMs: number | null = null;
  private kept: Kept[] = [];
  private nowMs: number;
  private readonly startMs: number;

  constructor(start: { instance: string; epoch: string; bootId: string; atMs: number }) {
    this.instance = start.instance;
    this.epoch = start.epoch;
    this.bootId = start.bootId;
    this.nowMs = start.atMs;
    this.startMs = start.atMs - 3_600_000;
  }

  wait(durationMs: number): void {
    this.nowMs += durationMs;
  }

  get next(): number {
    return this.kept.length + 1;
  }

  get monoMs(): number {
    return this.nowMs - this.startMs;
  }

  hashAt(seq: number): string {
    return this.kept[seq - 1]?.hash ?? genesisHash(sha256, this.epoch);
  }

  /** Puts an event into the outbox; answers its seq. */
  happen<K extends EdgeEventKind>(kind: K, told: Told<K>): number {
    const event = { kind, atMs: this.nowMs, monoMs: this.monoMs, bootId: this.bootId, ...told } as unknown as EdgeEvent;
    return this.keep(event);
  }

  /** Begins a new epoch and puts what was not acknowledged into it once more, each event with where it stood. */
  beginEpoch(epoch: string): void {
    const old = { epoch: this.epoch, kept: this.kept, acked: this.acked };
    this.epoch = epoch;
    this.kept = [];
    this.acked = 0;
    this.oldest = 1;
    this.allowanceVersion = 0;
    old.kept.forEach(({ event, hash }, index) => {
      if (index < old.acked) return;
      // An arrival is spoken of by its seq in the epoch of the batch.
      const arrival =
        'arrival' in event && typeof event.arrival === 'number' ? { arrival: event.arrival - old.acked } : {};
      this.keep({ ...event, ...arrival, origin: { epoch: old.epoch, seq: index + 1, hash } });
    });
  }

  batch(first: number, last: number, waiting: readonly number[]): EventBatch {
    const events = this.kept.slice(first - 1, last).map(({ event }) => ({ ...event }));
    const { instance, epoch } = this;
    return { instance, epoch, first, prevHash: this.hashAt(first - 1), waiting: [...waiting], events };
  }

  ack(upTo: number, conflict: AckConflict | null = null): Ack {
    return { instance: this.instance, epoch: this.epoch, upTo, hash: this.hashAt(upTo), conflict };
  }

  decision(arrival: number, answer: Pick<Decision, 'outcome' | 'sessionId' | 'slot' | 'reason'>): Decision {
    const { instance, epoch } = this;
    return { instance, epoch, arrival, revision: 1, basis: 'decision', ttlMs: 30_000, ...answer };
  }

  state(gates: readonly GateState[]): OnlineState {
    const { instance, epoch, oldest, next, acked, allowanceVersion, bootId, monoMs } = this;
    const clock = { atMs: this.nowMs, monoMs, bootId };
    const outboxBytes = this.kept.slice(oldest - 1).reduce((sum, { event }) => sum + JSON.stringify(event).length, 0);
    const first = this.kept[Math.max(acked, oldest - 1)]?.event;
    const outboxOldestAgeMs = first === undefined ? null : this.nowMs - first.atMs;
    return {
      ...{ presence: 'online', instance, version: '0.1.0', epoch, oldest, next, acked, allowanceVersion, clock },
      ...{ outboxBytes, outboxOldestAgeMs, lastDecisionMs: this.lastDecisionMs, faults: [], gates: [...gates] },
    };
  }

  private keep(event: EdgeEvent): number {
    this.kept.push({ event, hash: nextHash(sha256, this.hashAt(this.kept.length), event) });
    return this.kept.length;
  }
}
