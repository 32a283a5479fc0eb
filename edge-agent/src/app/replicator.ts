/**
 * Brings committed events to the aggregator: sends a bounded window, sends again on its own timer and after connecting, and lets
 * go only of what is acknowledged.
 */
import type { Ack, Clock, EventBatch, Logger, Random } from '@gatehouse/shared/edge';
import { judgeAck } from '../domain/outbox/acknowledgement.js';
import { cutBatch } from '../domain/outbox/chain.js';
import * as sendWindow from '../domain/outbox/window.js';
import type { SendWindow } from '../domain/outbox/window.js';
import type { EdgeLink, OutboxEvent } from './ports.js';
import type { Recorder } from './recorder.js';
import type { ProtocolSettings } from './settings.js';

export interface ReplicatorPorts {
  readonly recorder: Recorder;
  readonly link: EdgeLink;
  readonly linkClock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly instance: string;
  /** The arrivals that still want a decision, by seq. */
  readonly waiting: () => readonly number[];
  /** The two histories differ: a new epoch is needed. */
  readonly onFork: (cause: string) => void;
  readonly onProgress: () => void;
}

export class Replicator {
  readonly #ports: ReplicatorPorts;
  readonly #settings: ProtocolSettings;
  #window: SendWindow;
  #up = false;
  /** While a new epoch is on its way nothing of the old one is sent. */
  #held = false;
  #loading = false;
  #lastSentMs = 0;
  #cancelResend: (() => void) | undefined;
  #judging = false;
  #nextAck: Ack | undefined;
  /** Raised by whatever makes a page that is being loaded useless. */
  #generation = 0;
  readonly counters = { published: 0, resent: 0, acksApplied: 0 };
  #highestSent = 0;

  constructor(ports: ReplicatorPorts, settings: ProtocolSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#window = sendWindow.newWindow(0, settings.windowBatches);
  }

  /** The outbox was opened, or an epoch began: everything from its acknowledged end on has to be sent. */
  reset(): void {
    this.#generation += 1;
    this.#window = sendWindow.newWindow(this.#ports.recorder.view.acked, this.#settings.windowBatches);
    this.#highestSent = 0;
    this.#held = false;
    this.#arm();
    this.send();
  }

  hold(): void {
    this.#held = true;
  }

  linkUp(): void {
    this.#up = true;
    this.#generation += 1;
    this.#window = sendWindow.startAfresh(this.#window, this.#settings.windowBatches);
    this.send();
  }

  linkDown(): void {
    this.#up = false;
    this.#generation += 1;
    this.#disarm();
  }

  stop(): void {
    this.linkDown();
    this.#held = true;
  }

  /** An arrival that is committed now waits behind more than the window: the aggregator will not see it in time. */
  get hasBacklog(): boolean {
    const { next } = this.#ports.recorder.view;
    return this.#held || next - 1 - this.#window.acked > this.#settings.windowBatches * this.#settings.batchEvents;
  }

  /** Sends what the window lets through. What was just committed goes without waiting for anything. */
  send(): void {
    while (this.#up && !this.#held && !this.#loading) {
      const { next, oldest } = this.#ports.recorder.view;
      if (!sendWindow.canSend(this.#window, next)) return;
      const from = Math.max(this.#window.sent + 1, oldest);
      // What the aggregator lacks may be deleted already: the state tells it that it will never come.
      if (from >= next) return;
      const events = this.#ports.recorder.recent(from);
      const previousHash = this.#ports.recorder.recentHash(from - 1);
      if (events === undefined || previousHash === undefined) {
        this.#load(from);
        return;
      }
      if (events.length === 0) return;
      this.#publish(events, previousHash);
    }
  }

  /** Handles an acknowledgement; one at a time, and of those that come meanwhile only the latest matters. */
  acknowledged(ack: Ack): void {
    if (this.#judging) {
      this.#nextAck = ack;
      return;
    }
    const known = ack.upTo < this.#ports.recorder.view.next ? this.#ports.recorder.recentHash(ack.upTo) : '';
    if (known !== undefined) {
      this.#apply(ack, known);
      return;
    }
    this.#judging = true;
    this.#ports.recorder
      .hashAt(ack.upTo)
      .then((hash) => {
        this.#apply(ack, hash);
      })
      .catch((error: unknown) => {
        this.#ports.logger.warn({ error: String(error) }, 'an acknowledgement could not be checked');
      })
      .finally(() => {
        this.#judging = false;
        const next = this.#nextAck;
        this.#nextAck = undefined;
        if (next !== undefined) this.acknowledged(next);
      });
  }

  #apply(ack: Ack, ownHash: string | null): void {
    const { recorder, logger, instance } = this.#ports;
    const verdict = judgeAck(ack, { instance, ...recorder.view }, ownHash);
    switch (verdict.type) {
      case 'ignore':
        return;
      case 'fork':
        this.#ports.onFork(verdict.cause);
        return;
      case 'progress':
        this.counters.acksApplied += 1;
        recorder.acknowledge(verdict.upTo);
        this.#window = sendWindow.acknowledged(this.#window, verdict.upTo, this.#settings.windowBatches);
        this.#arm();
        this.#ports.onProgress();
        break;
      case 'rewind':
        logger.warn({ upTo: verdict.upTo }, 'the aggregator has less than it acknowledged: sending again');
        recorder.rewind(verdict.upTo);
        this.#again(verdict.upTo);
        break;
      case 'stands':
        // Its answer to a state, or to a batch beyond its next: the latter if what is in flight had the time to arrive.
        if (this.#ports.linkClock.monoMs() - this.#lastSentMs < this.#settings.resendMinMs / 2) return;
        if (this.#window.inFlight.length > 0) this.#again(this.#window.acked);
        break;
    }
    this.send();
  }

  #again(upTo: number): void {
    this.#generation += 1;
    this.#window = sendWindow.startAgain(this.#window, upTo);
    this.#arm();
  }

  #publish(events: readonly OutboxEvent[], prevHash: string): void {
    const { recorder, link, logger, instance } = this.#ports;
    const batch = cutBatch(events, { maxEvents: this.#settings.batchEvents, maxBytes: this.#settings.batchBytes });
    const first = batch[0];
    const last = batch.at(-1);
    if (first === undefined || last === undefined) return;
    const head: Omit<EventBatch, 'events'> = {
      instance,
      epoch: recorder.view.epoch,
      first: first.seq,
      prevHash,
      waiting: [...this.#ports.waiting()],
    };
    const payload = `${JSON.stringify(head).slice(0, -1)},"events":[${batch.map((event) => event.json).join(',')}]}`;
    this.#window = sendWindow.batchSent(this.#window, last.seq);
    this.#lastSentMs = this.#ports.linkClock.monoMs();
    this.counters.published += 1;
    if (last.seq <= this.#highestSent) this.counters.resent += 1;
    this.#highestSent = Math.max(this.#highestSent, last.seq);
    if (this.#cancelResend === undefined) this.#arm();
    link.publish('events', payload).catch((error: unknown) => {
      // The resend timer brings it again.
      logger.debug({ error: String(error), first: first.seq }, 'a batch was not taken');
    });
  }

  #load(from: number): void {
    const { recorder, logger } = this.#ports;
    const generation = this.#generation;
    this.#loading = true;
    Promise.all([recorder.read(from, this.#settings.batchEvents, this.#settings.batchBytes), recorder.hashAt(from - 1)])
      .then(([events, prevHash]) => {
        this.#loading = false;
        const first = events[0];
        if (generation !== this.#generation || this.#held || !this.#up) {
          this.send();
          return;
        }
        if (first === undefined || prevHash === null) {
          logger.error({ from }, 'events that should be kept are not there');
          return;
        }
        this.#publish(events, prevHash);
        this.send();
      })
      .catch((error: unknown) => {
        this.#loading = false;
        logger.warn({ error: String(error), from }, 'events could not be read for sending');
        this.#arm();
      });
  }

  // -------------------------------------------------------------- sending again

  #arm(): void {
    this.#disarm();
    if (!this.#up || this.#held) return;
    if (this.#window.inFlight.length === 0 && !sendWindow.canSend(this.#window, this.#ports.recorder.view.next)) return;
    const delayMs = sendWindow.resendDelayMs(this.#window.attempts, this.#settings, this.#ports.random.next());
    this.#cancelResend = this.#ports.linkClock.setTimer(delayMs, () => {
      this.#cancelResend = undefined;
      this.#again(this.#window.acked);
      this.send();
    });
  }

  #disarm(): void {
    this.#cancelResend?.();
    this.#cancelResend = undefined;
  }
}
