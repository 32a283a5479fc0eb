/** An outbox in memory. Its backing outlives the store object as a disk outlives a process, and can be told to fail. */
import { genesisHash } from '@gatehouse/shared/edge';
import type { Sha256 } from '@gatehouse/shared/edge';
import { OutboxError } from '../../app/ports.js';
import type { LossCount, OutboxErrorCode, OutboxEvent, OutboxStore, OutboxWrite } from '../../app/ports.js';
import { applyLoss, checkWrite, createAcknowledgements, noLoss, outboxBoundsDefaults } from '../outbox-rules.js';
import type { AcknowledgementMark, OutboxBounds } from '../outbox-rules.js';

export type OutboxOperation =
  'open' | 'append' | 'read' | 'acknowledge' | 'rewind' | 'trim' | 'beginEpoch' | 'countLoss';

/** What would be on the disk. Keep it and make a new store over it to restart. */
export interface MemoryOutboxBacking {
  /** Undefined until it was opened once. */
  epoch: string | undefined;
  events: OutboxEvent[];
  next: number;
  lastHash: string;
  /** The running hash before the oldest event kept. */
  baseHash: string;
  acked: number;
  marks: AcknowledgementMark[];
  notes: Map<string, string>;
  lost: LossCount;
  /** Set to have the next open find the contents beyond use. */
  corrupt: boolean;
  /** The store that has it open. */
  holder: object | undefined;
  /** Consulted before each operation; a code makes the operation fail with it. */
  failure: ((operation: OutboxOperation) => OutboxErrorCode | undefined) | undefined;
  /** Awaited before each operation, for tests of what happens while the disk is slow. */
  delay: ((operation: OutboxOperation) => Promise<void>) | undefined;
}

export function createMemoryOutboxBacking(): MemoryOutboxBacking {
  return {
    epoch: undefined,
    events: [],
    next: 1,
    lastHash: '',
    baseHash: '',
    acked: 0,
    marks: [],
    notes: new Map(),
    lost: noLoss,
    corrupt: false,
    holder: undefined,
    failure: undefined,
    delay: undefined,
  };
}

export interface MemoryOutboxOptions {
  readonly backing: MemoryOutboxBacking;
  readonly sha256: Sha256;
  readonly bounds?: Partial<OutboxBounds>;
}

export function createMemoryOutbox(options: MemoryOutboxOptions): OutboxStore {
  const { backing, sha256 } = options;
  const bounds: OutboxBounds = { ...outboxBoundsDefaults, ...options.bounds };
  const self = {};

  const begin = async (operation: OutboxOperation): Promise<void> => {
    await backing.delay?.(operation);
    if (operation !== 'open' && backing.holder !== self) throw new OutboxError('closed', 'the outbox is not open');
    const code = backing.failure?.(operation);
    if (code !== undefined) throw new OutboxError(code, `injected: ${operation}`);
  };
  const oldest = (): number => backing.next - backing.events.length;
  // Counted anew only where somebody else has changed the list.
  let counted = { events: backing.events, length: 0, bytes: 0 };
  const bytes = (): number => {
    const { events } = backing;
    if (counted.events !== events || counted.length !== events.length) {
      counted = {
        events,
        length: events.length,
        bytes: events.reduce((sum, event) => sum + Buffer.byteLength(event.json), 0),
      };
    }
    return counted.bytes;
  };
  const begunWith = (epoch: string): void => {
    const genesis = genesisHash(sha256, epoch);
    Object.assign(backing, { epoch, events: [], next: 1, acked: 0, marks: [], lastHash: genesis, baseHash: genesis });
  };
  const checked = (write: OutboxWrite, next: number, unacknowledgedEvents: number, keptBytes: number): void => {
    checkWrite(write, { next, unacknowledgedEvents, keptBytes, notes: backing.notes }, bounds);
  };
  const apply = (write: OutboxWrite): void => {
    const before = bytes();
    let added = 0;
    for (const event of write.events) {
      backing.events.push(event);
      added += Buffer.byteLength(event.json);
      backing.next = event.seq + 1;
      backing.lastHash = event.hash;
    }
    counted = { events: backing.events, length: backing.events.length, bytes: before + added };
    for (const [name, value] of write.notes ?? []) {
      if (value === null) backing.notes.delete(name);
      else backing.notes.set(name, value);
    }
    if (write.accountedLoss !== undefined) backing.lost = applyLoss(backing.lost, write.accountedLoss, -1);
  };

  return {
    async open(newEpoch) {
      await begin('open');
      if (backing.holder !== undefined) throw new OutboxError('in-use', 'the outbox is in use by another store');
      const damaged = backing.corrupt ? 'the outbox was beyond use' : null;
      if (backing.corrupt) backing.notes.clear();
      if (backing.epoch === undefined || backing.corrupt) begunWith(newEpoch);
      backing.corrupt = false;
      backing.holder = self;
      return {
        epoch: backing.epoch ?? newEpoch,
        oldest: oldest(),
        next: backing.next,
        acked: backing.acked,
        ackedAtMs: createAcknowledgements(backing.marks).newestMs(),
        lastHash: backing.lastHash,
        bytes: bytes(),
        notes: new Map(backing.notes),
        lost: backing.lost,
        damaged,
      };
    },
    async append(write) {
      await begin('append');
      checked(write, backing.next, backing.next - 1 - Math.max(backing.acked, oldest() - 1), bytes());
      apply(write);
    },
    async read(fromSeq, maxEvents, maxBytes) {
      await begin('read');
      const found: OutboxEvent[] = [];
      let foundBytes = 0;
      for (let index = Math.max(0, fromSeq - oldest()); index < backing.events.length; index += 1) {
        const event = backing.events[index];
        if (event === undefined) break;
        foundBytes += Buffer.byteLength(event.json);
        if (found.length > 0 && (found.length >= maxEvents || foundBytes > maxBytes)) break;
        found.push(event);
      }
      return found;
    },
    async hashAt(seq) {
      await begin('read');
      if (seq === 0 && backing.epoch !== undefined) return genesisHash(sha256, backing.epoch);
      if (seq === backing.next - 1) return backing.lastHash;
      if (seq === oldest() - 1) return backing.baseHash;
      return backing.events[seq - oldest()]?.hash ?? null;
    },
    async acknowledge(upTo, atMs) {
      await begin('acknowledge');
      if (upTo <= backing.acked) return;
      backing.acked = Math.min(upTo, backing.next - 1);
      const acknowledgements = createAcknowledgements(backing.marks);
      acknowledgements.add(backing.acked, atMs);
      backing.marks = [...acknowledgements.marks()];
    },
    async rewind(upTo) {
      await begin('rewind');
      backing.acked = Math.min(backing.acked, upTo);
      const acknowledgements = createAcknowledgements(backing.marks);
      acknowledgements.rewind(upTo);
      backing.marks = [...acknowledgements.marks()];
    },
    async trim({ ackedBeforeMs, maxBytes, maxEvents, maxRows }) {
      await begin('trim');
      const agedUpTo = createAcknowledgements(backing.marks).upToBefore(ackedBeforeMs);
      let kept = bytes();
      for (let removed = 0; removed < maxRows; removed += 1) {
        const first = backing.events[0];
        if (first === undefined || first.seq > backing.acked) break;
        if (first.seq > agedUpTo && kept <= maxBytes && backing.events.length <= maxEvents) break;
        backing.events.shift();
        backing.baseHash = first.hash;
        kept -= Buffer.byteLength(first.json);
      }
      return oldest();
    },
    async beginEpoch(epoch, beginning) {
      await begin('beginEpoch');
      const events: OutboxEvent[] = [];
      for (let step = await beginning.next(); step !== null; step = await beginning.next()) events.push(...step);
      const write = { events, notes: beginning.notes() };
      checked(write, 1, 0, 0);
      begunWith(epoch);
      apply(write);
    },
    async countLoss(loss) {
      await begin('countLoss');
      backing.lost = applyLoss(backing.lost, loss, 1);
    },
    close() {
      if (backing.holder === self) backing.holder = undefined;
      return Promise.resolve();
    },
  };
}
