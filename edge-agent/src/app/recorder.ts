/**
 * Writes events into the outbox: numbers and chains them, and commits together whatever came while the last commit ran. Owns the
 * outbox: everything that touches the store goes through here, one call after the other.
 */
import { genesisHash, messageOf, terminalKinds } from '@gatehouse/shared/edge';
import type { Clock, Logger, Sha256 } from '@gatehouse/shared/edge';
import { utf8Bytes } from '../domain/outbox/chain.js';
import type { ChainEnd } from '../domain/outbox/chain.js';
import { beginCarryOver, carryOver, seqAfter } from '../domain/outbox/new-epoch.js';
import { numberDrafts } from './draft.js';
import type { Draft, EventStamp, NotesOfEpoch } from './draft.js';
import { addLoss, lossReport, noLoss, outageReports, subtractLoss } from './loss.js';
import type { RecorderFailure } from './loss.js';
import { failureOf } from './outbox-failure.js';
import type { LossCount, OutboxEvent, OutboxSnapshot, OutboxStore } from './ports.js';
import { formerArrivals } from './recovery.js';
import type { OutboxSettings } from './settings.js';
import { eventsToTakeAlong } from './take-along.js';
import { toldNote, toldOf } from './told-note.js';
import { createTurns } from './turns.js';

export interface RecorderListener {
  /** Events up to `next - 1` are durable. */
  onCommitted(durationMs: number, events: number): void;
  /** So many events are lost: they will never be in the outbox. */
  onLost(events: number): void;
  onFailure(failure: RecorderFailure): void;
  onRecovered(failure: RecorderFailure): void;
}

export interface RecorderView {
  readonly epoch: string;
  readonly oldest: number;
  readonly next: number;
  readonly acked: number;
  /** The highest seq that was acknowledged in this epoch, also if the aggregator has been restored to less since. */
  readonly told: number;
  readonly bytes: number;
  /** Whether something recorded is being made durable. */
  readonly isCommitting: boolean;
  readonly failing: RecorderFailure | null;
  readonly lost: LossCount;
}

/** Drafts that wait for a commit, at most; more are lost and counted. */
const maxQueuedDrafts = 10_000;
/** Drafts in one commit, at most. */
const maxCommitDrafts = 512;
/** Terminal events kept in memory while the store fails, at most. */
const maxKeptDrafts = 256;
/** Committed events kept in memory for sending, at most. */
const maxRecentEvents = 2_048;
const closeTimeoutMs = 3_000;
const maxTrimRows = 5_000;
/** Acknowledged events make room when the store is fuller than this part of its bounds. */
const trimAboveFill = 0.9;

export interface RecorderPorts {
  readonly store: OutboxStore;
  readonly clock: Clock;
  readonly linkClock: Clock;
  readonly sha256: Sha256;
  readonly logger: Logger;
  /** Times and boot of an event that the recorder writes itself. */
  readonly stamp: () => EventStamp;
}

export class Recorder {
  readonly #ports: RecorderPorts;
  readonly #settings: OutboxSettings;
  readonly #listener: RecorderListener;
  #epoch = '';
  #oldest = 1;
  #acked = 0;
  #told = 0;
  /** As the store knows it. */
  #ackedInStore = 0;
  #bytes = 0;
  /** What the service time was at `sinceMonoMs` of the link clock. */
  #service = { ms: 0, sinceMonoMs: 0 };
  #end: ChainEnd = { next: 1, lastHash: '' };
  #recent: OutboxEvent[] = [];
  /** Losses that no event tells of yet … */
  #lost: LossCount = noLoss;
  /** … and those of them that the store has counted. */
  #counted: LossCount = noLoss;
  #lossReason: RecorderFailure = 'outbox-full';
  #failing: RecorderFailure | null = null;
  #failedAt: EventStamp | undefined;
  #retryAttempts = 0;
  #cancelRetry: (() => void) | undefined;
  #queue: Draft[] = [];
  /** Terminal events, and what the former run left to tell, that wait for the store to work again. */
  #kept: Draft[] = [];
  #arrivals = new Map<string, number>();
  #pumping = false;
  #closed = false;
  readonly #turns = createTurns();
  #idle: (() => void)[] = [];

  constructor(ports: RecorderPorts, settings: OutboxSettings, listener: RecorderListener) {
    this.#ports = ports;
    this.#settings = settings;
    this.#listener = listener;
  }

  get view(): RecorderView {
    return {
      epoch: this.#epoch,
      oldest: this.#oldest,
      next: this.#end.next,
      acked: this.#acked,
      told: this.#told,
      bytes: this.#bytes,
      isCommitting: this.#pumping,
      failing: this.#failing,
      lost: this.#lost,
    };
  }

  /** @throws OutboxError */
  async open(newEpoch: string): Promise<OutboxSnapshot> {
    const snapshot = await this.#ports.store.open(newEpoch);
    this.#epoch = snapshot.epoch;
    this.#oldest = snapshot.oldest;
    this.#acked = snapshot.acked;
    this.#ackedInStore = snapshot.acked;
    this.#told = toldOf(snapshot);
    this.#bytes = snapshot.bytes;
    this.#service = { ms: snapshot.ackedAtMs, sinceMonoMs: this.#ports.linkClock.monoMs() };
    this.#end = { next: snapshot.next, lastHash: snapshot.lastHash };
    this.#lost = snapshot.lost;
    this.#counted = snapshot.lost;
    for (const { name, seq } of formerArrivals(snapshot)) this.#arrivals.set(name, seq);
    return snapshot;
  }

  record(draft: Draft): void {
    if (this.#failing !== null || this.#closed) {
      this.#refuse(draft);
      return;
    }
    if (this.#queue.length >= maxQueuedDrafts) {
      this.#lose([draft]);
      return;
    }
    this.#queue.push(draft);
    this.#pump();
  }

  /** Resolves when everything recorded so far is durable or lost. */
  async flushed(): Promise<void> {
    if (this.#queue.length === 0 && !this.#pumping) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  arrivalSeq(name: string): number | undefined {
    return this.#arrivals.get(name);
  }

  /** Committed events from `fromSeq` on that are in memory: without waiting, what was just committed. */
  recent(fromSeq: number): readonly OutboxEvent[] | undefined {
    const first = this.#recent[0];
    if (first === undefined || fromSeq < first.seq) return undefined;
    return this.#recent.slice(fromSeq - first.seq);
  }

  read(fromSeq: number, maxEvents: number, maxBytes: number): Promise<OutboxEvent[]> {
    return this.#turns.take(() => this.#ports.store.read(fromSeq, maxEvents, maxBytes));
  }

  /** The running hash after `seq`; null if it is not kept. */
  async hashAt(seq: number): Promise<string | null> {
    if (seq === this.#end.next - 1) return this.#end.lastHash;
    if (seq === 0) return genesisHash(this.#ports.sha256, this.#epoch);
    const inMemory = this.recent(seq)?.[0];
    if (inMemory !== undefined) return inMemory.hash;
    return this.#turns.take(() => this.#ports.store.hashAt(seq));
  }

  /** The same without waiting; undefined where it takes a look into the store. */
  recentHash(seq: number): string | undefined {
    if (seq === this.#end.next - 1) return this.#end.lastHash;
    if (seq === 0) return genesisHash(this.#ports.sha256, this.#epoch);
    return this.recent(seq)?.[0]?.hash;
  }

  acknowledge(upTo: number): void {
    this.#acked = Math.max(this.#acked, upTo);
    this.#told = Math.max(this.#told, upTo);
    this.#inBackground('acknowledge', () => this.#noteAcknowledged());
    if (this.#failing === 'outbox-full' || this.#isNearlyFull) this.trim();
  }

  rewind(upTo: number): void {
    this.#acked = Math.min(this.#acked, upTo);
    const told = toldNote(this.#epoch, this.#told);
    // First, so that a crash between the two leaves the proof that the aggregator was restored.
    this.#inBackground('note what it was told', () => this.#ports.store.append({ events: [], notes: told }));
    this.#ackedInStore = Math.min(this.#ackedInStore, upTo);
    this.#inBackground('rewind', () => this.#ports.store.rewind(upTo));
  }

  /** Deletes acknowledged events beyond the bounds. */
  trim(): void {
    this.#inBackground('trim', () => this.#trimOnce());
  }

  /**
   * Begins a new epoch. What is not acknowledged goes over, and the beginnings of the arrivals it speaks of and of those that are open.
   * @throws OutboxError; then the old epoch goes on.
   */
  async beginEpoch(epoch: string, notesOf: NotesOfEpoch): Promise<number> {
    return this.#turns.take(async () => {
      const { sha256, store } = this.#ports;
      const steps = eventsToTakeAlong(store, {
        oldest: this.#oldest,
        acked: this.#acked,
        next: this.#end.next,
        openArrivals: this.#arrivals.values(),
      });
      let carried = beginCarryOver(sha256, epoch);
      let recent: OutboxEvent[] = [];
      let bytes = 0;
      await store.beginEpoch(epoch, {
        next: async () => {
          const step = await steps.next();
          if (step.done === true) return null;
          const { after, events } = carryOver(sha256, this.#epoch, carried, step.value);
          carried = after;
          recent = [...recent, ...events].slice(-maxRecentEvents);
          for (const event of events) bytes += utf8Bytes(event.json);
          return events;
        },
        notes: () => notesOf(epoch, (old) => seqAfter(carried.moved, old)),
      });
      this.#epoch = epoch;
      this.#oldest = 1;
      this.#acked = 0;
      this.#told = 0;
      this.#ackedInStore = 0;
      this.#end = carried.end;
      this.#recent = recent;
      this.#bytes = bytes;
      for (const [name, seq] of this.#arrivals) {
        const moved = seqAfter(carried.moved, seq);
        if (moved === undefined) this.#arrivals.delete(name);
        else this.#arrivals.set(name, moved);
      }
      return carried.end.next - 1;
    });
  }

  /** Waits for what is being written, at most `closeTimeoutMs`. */
  async close(): Promise<void> {
    let cancel: () => void = () => undefined;
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#ports.linkClock.setTimer(closeTimeoutMs, resolve);
    });
    await Promise.race([this.flushed(), timeout]);
    cancel();
    this.#closed = true;
    this.#cancelRetry?.();
    await this.#turns.take(() => this.#ports.store.close());
  }

  // -------------------------------------------------------------- committing

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    void this.#turns
      .take(() => this.#commitAll())
      .finally(() => {
        this.#pumping = false;
        if (this.#queue.length > 0 && this.#failing === null) this.#pump();
        else for (const resolve of this.#idle.splice(0)) resolve();
      });
  }

  async #commitAll(): Promise<void> {
    while (this.#queue.length > 0 && this.#failing === null) {
      const drafts = this.#queue.splice(0, maxCommitDrafts);
      try {
        await this.#commitWithLosses(drafts);
      } catch (error) {
        await this.#commitFailed(drafts, error);
      }
    }
  }

  /** Commits, first of all telling of losses that are not told of yet. */
  async #commitWithLosses(drafts: readonly Draft[]): Promise<void> {
    const loss = this.#counted;
    if (loss.events === 0) return this.#commit(drafts);
    await this.#commit([lossReport(this.#lossReason, loss, this.#ports.stamp), ...drafts], loss);
    this.#lost = subtractLoss(this.#lost, loss);
    this.#counted = subtractLoss(this.#counted, loss);
  }

  async #commit(drafts: readonly Draft[], accountedLoss?: LossCount): Promise<void> {
    const { linkClock, store } = this.#ports;
    const startedMs = linkClock.monoMs();
    const write = numberDrafts(this.#ports.sha256, this.#end, drafts, (name) => this.#arrivals.get(name));
    await store.append({
      events: write.events,
      ...(write.notes.size === 0 ? {} : { notes: write.notes }),
      ...(accountedLoss === undefined ? {} : { accountedLoss }),
    });
    this.#end = write.end;
    this.#recent.push(...write.events);
    this.#recent.splice(0, this.#recent.length - maxRecentEvents);
    for (const event of write.events) this.#bytes += utf8Bytes(event.json);
    for (const [name, seq] of write.arrivals) this.#arrivals.set(name, seq);
    for (const draft of drafts) if (draft.ends !== undefined) this.#arrivals.delete(draft.ends);
    this.#listener.onCommitted(linkClock.monoMs() - startedMs, write.events.length);
    drafts.forEach((draft, index) => {
      const seq = write.seqs[index];
      if (seq === undefined) draft.lost?.();
      else draft.recorded?.(seq);
    });
  }

  // -------------------------------------------------------------- failing

  async #commitFailed(drafts: readonly Draft[], error: unknown): Promise<void> {
    const failure = failureOf(error);
    if (failure === 'outbox-full' && (await this.#madeRoom())) {
      try {
        await this.#commitWithLosses(drafts);
        return;
      } catch (again) {
        this.#ports.logger.debug({ error: messageOf(again) }, 'the outbox is still full after trimming');
      }
    }
    this.#ports.logger.error({ failure, error: messageOf(error) }, 'the outbox refused events');
    this.#failing = failure;
    this.#failedAt = this.#ports.stamp();
    this.#lossReason = failure;
    const waiting = this.#queue.splice(0);
    this.#listener.onFailure(failure);
    for (const draft of [...drafts, ...waiting]) this.#refuse(draft);
    this.#retryLater();
  }

  /**
   * While the store fails: the ends of arrivals that are in it, and what tells of the run before, are kept for later; everything
   * else is lost and counted.
   */
  #refuse(draft: Draft): void {
    const isEnd = (terminalKinds as readonly string[]).includes(draft.kind) && draft.ends !== undefined;
    const known = draft.ends !== undefined && this.#arrivals.has(draft.ends);
    if ((draft.ofFormerRun === true || (isEnd && known)) && this.#kept.length < maxKeptDrafts && !this.#closed)
      this.#kept.push(draft);
    else this.#lose([draft]);
  }

  #lose(drafts: readonly Draft[]): void {
    let loss = noLoss;
    for (const draft of drafts) {
      if (draft.loss !== undefined) loss = addLoss(loss, draft.loss);
    }
    if (loss.events > 0) {
      this.#lost = addLoss(this.#lost, loss);
      this.#listener.onLost(loss.events);
      const counted = loss;
      this.#inBackground('count a loss', async () => {
        await this.#ports.store.countLoss(counted);
        this.#counted = addLoss(this.#counted, counted);
      });
    }
    for (const draft of drafts) {
      if (draft.ends !== undefined) this.#arrivals.delete(draft.ends);
      draft.lost?.();
    }
  }

  #retryLater(): void {
    if (this.#closed) return;
    const { retryMinMs, retryMaxMs } = this.#settings;
    const delayMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(30, this.#retryAttempts));
    this.#retryAttempts += 1;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#ports.linkClock.setTimer(delayMs, () => {
      void this.#turns.take(() => this.#retry());
    });
  }

  async #retry(): Promise<void> {
    const failure = this.#failing;
    if (failure === null || this.#closed) return;
    if (failure === 'outbox-full') await this.#madeRoom();
    const kept = [...this.#kept];
    try {
      await this.#commitWithLosses([
        ...kept,
        ...outageReports(failure, this.#failedAt ?? this.#ports.stamp(), this.#ports.stamp),
      ]);
    } catch (error) {
      this.#failing = failureOf(error);
      this.#ports.logger.warn({ error: messageOf(error) }, 'the outbox still refuses events');
      this.#retryLater();
      return;
    }
    this.#kept.splice(0, kept.length);
    this.#failing = null;
    // What was kept while this was being written.
    this.#queue.unshift(...this.#kept.splice(0));
    this.#retryAttempts = 0;
    this.#listener.onRecovered(failure);
    if (this.#queue.length > 0) this.#pump();
  }

  get #isNearlyFull(): boolean {
    const { maxBytes, maxEvents } = this.#settings;
    return this.#bytes > maxBytes * trimAboveFill || this.#end.next - this.#oldest > maxEvents * trimAboveFill;
  }

  async #madeRoom(): Promise<boolean> {
    const before = this.#oldest;
    try {
      // The disk may be smaller than the bound: half of what is kept is enough for a while.
      await this.#trimOnce(Math.floor(Math.min(this.#bytes, this.#settings.maxBytes) / 2));
    } catch (error) {
      this.#ports.logger.warn({ error: messageOf(error) }, 'acknowledged events could not be deleted');
    }
    return this.#oldest > before;
  }

  /** Again before each trim: an acknowledgement that the store refused does not come a second time. */
  async #noteAcknowledged(): Promise<void> {
    const upTo = this.#acked;
    if (upTo <= this.#ackedInStore) return;
    await this.#ports.store.acknowledge(upTo, this.#serviceMs());
    this.#ackedInStore = upTo;
  }

  async #trimOnce(maxBytes = Math.floor(this.#settings.maxBytes * trimAboveFill)): Promise<void> {
    await this.#noteAcknowledged();
    const keptBefore = this.#end.next - this.#oldest;
    const oldest = await this.#ports.store.trim({
      ackedBeforeMs: this.#serviceMs() - this.#settings.keepAcknowledgedMs,
      maxBytes,
      // A restored aggregator may ask for all of it again: then none of it is acknowledged, and there must be room for more.
      maxEvents: Math.floor(this.#settings.maxEvents * trimAboveFill),
      maxRows: maxTrimRows,
    });
    if (oldest <= this.#oldest) return;
    // The store does not say how many bytes went: events are much alike.
    this.#bytes = Math.round((this.#bytes * (this.#end.next - oldest)) / Math.max(1, keptBefore));
    this.#oldest = oldest;
    const first = this.#recent[0];
    if (first !== undefined && first.seq < oldest) this.#recent = this.#recent.slice(oldest - first.seq);
  }

  /**
   * The age of what is acknowledged goes by the time that agents have run over this outbox, counted on from its newest
   * acknowledgement: a wall clock that jumps by years must not delete what a restored aggregator will ask for.
   */
  #serviceMs(): number {
    return Math.floor(this.#service.ms + this.#ports.linkClock.monoMs() - this.#service.sinceMonoMs);
  }

  // -------------------------------------------------------------- the store, one call after the other

  #inBackground(what: string, work: () => Promise<unknown>): void {
    this.#turns.take(work).catch((error: unknown) => {
      this.#ports.logger.warn({ error: messageOf(error) }, `the outbox could not ${what}`);
    });
  }
}
