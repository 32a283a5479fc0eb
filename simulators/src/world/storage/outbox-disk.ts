/** The disk of an edge: an outbox in memory that outlives processes, takes its time, and fails as disks do. */
import { createMemoryOutbox, createMemoryOutboxBacking, OutboxError } from '@gatehouse/edge-agent';
import type { MemoryOutboxBacking, OutboxErrorCode, OutboxStore, OutboxWrite } from '@gatehouse/edge-agent';
import type { Random } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import type { Happening, MachineId } from '../happenings.js';
import type { Life } from '../processes/life.js';
import type { Timeline } from '../timeline.js';
import type { DiskFaults, StepWatch } from './disk-faults.js';

export interface OutboxDisk {
  backing: MemoryOutboxBacking;
  /** How often it was exchanged: the machine was without power each time. */
  exchanges: number;
  readonly faults: DiskFaults;
  /** What a power cut leaves of acknowledgements, which need not be durable at once. */
  durable: Pick<MemoryOutboxBacking, 'epoch' | 'acked' | 'marks'>;
  readonly bounds: { readonly maxEvents: number };
}

export interface DiskPorts {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly tell: (happening: Happening) => void;
}

export function createOutboxDisk(faults: DiskFaults, maxEvents: number): OutboxDisk {
  const backing = createMemoryOutboxBacking();
  return { backing, exchanges: 0, faults, durable: durableOf(backing), bounds: { maxEvents } };
}

/** What is on the disk now, as an image of it would hold it. */
export function copyBacking(backing: MemoryOutboxBacking): MemoryOutboxBacking {
  return {
    ...backing,
    events: [...backing.events],
    marks: [...backing.marks],
    notes: new Map(backing.notes),
    holder: undefined,
  };
}

/** The disk is exchanged, or an image is written back to it. Nobody has it open. */
export function replaceBacking(
  disk: OutboxDisk,
  backing: MemoryOutboxBacking,
  of: { readonly machine: MachineId; readonly edgeId: string },
  tell: (happening: Happening) => void,
): void {
  disk.backing = backing;
  disk.exchanges += 1;
  disk.durable = durableOf(backing);
  const { epoch = null, next, acked, events } = backing;
  tell({ type: 'outbox-replaced', machine: of.machine, edgeId: of.edgeId, epoch, next, acked, events: [...events] });
}

/** What a process that dies leaves behind. `lazyLost`: what was not synced is gone too. */
export function afterDeath(disk: OutboxDisk, lazyLost: boolean): void {
  disk.backing.holder = undefined;
  const { backing, durable } = disk;
  if (lazyLost && durable.epoch === backing.epoch && durable.acked < backing.acked) {
    backing.acked = durable.acked;
    backing.marks = [...durable.marks];
  }
}

function durableOf({ epoch, acked, marks }: MemoryOutboxBacking): OutboxDisk['durable'] {
  return { epoch, acked, marks: [...marks] };
}

type Operation =
  'open' | 'append' | 'read' | 'hashAt' | 'acknowledge' | 'rewind' | 'trim' | 'beginEpoch' | 'countLoss' | 'close';

const writes: ReadonlySet<Operation> = new Set(['append', 'beginEpoch']);
const readLatencyMs = 0.3;

/** The outbox store of one life. Its calls never settle once the life is over. */
export function openOutboxStore(
  disk: OutboxDisk,
  life: Life,
  watch: StepWatch,
  machine: MachineId,
  edgeId: string,
  ports: DiskPorts,
): OutboxStore {
  const { timeline, random, tell } = ports;
  const inner = createMemoryOutbox({ backing: disk.backing, sha256, bounds: disk.bounds });

  const failureOf = (operation: Operation): OutboxErrorCode | undefined => {
    if (operation === 'close') return undefined;
    if (disk.faults.full > 0 && writes.has(operation)) return 'full';
    if (disk.faults.errorRate > 0 && operation !== 'countLoss' && random.next() < disk.faults.errorRate) return 'io';
    return undefined;
  };
  const latencyMs = (operation: Operation): number => {
    const usualMs = operation === 'read' || operation === 'hashAt' ? readLatencyMs : 1 + random.next() * 6;
    return usualMs + (disk.faults.slowMs > 0 ? random.next() * 2 * disk.faults.slowMs : 0);
  };

  const call = <T>(operation: Operation, work: () => Promise<T>, done?: (value: T) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      if (life.isOver) return;
      const crash = watch.step(operation);
      timeline.after(latencyMs(operation), () => {
        if (life.isOver) return;
        if (crash === 'before') {
          watch.crash(`before ${operation}`);
          return;
        }
        const code = failureOf(operation);
        if (code !== undefined) {
          reject(new OutboxError(code, `the disk of ${machine}: ${code}`));
          return;
        }
        work().then(
          (value) => {
            if (life.isOver) return;
            done?.(value);
            if (crash === 'after') watch.crash(`after ${operation}`);
            else resolve(value);
          },
          (error: unknown) => {
            if (!life.isOver) reject(error instanceof Error ? error : new Error(String(error)));
          },
        );
      });
    });
  const synced = (): void => {
    disk.durable = durableOf(disk.backing);
  };
  const committed = (write: OutboxWrite, beginsEpoch: boolean): void => {
    synced();
    const epoch = disk.backing.epoch ?? '';
    tell({ type: 'outbox-committed', machine, edgeId, epoch, events: write.events, beginsEpoch });
  };

  return {
    open(newEpoch) {
      const before = disk.backing.epoch;
      return call(
        'open',
        () => inner.open(newEpoch),
        ({ epoch }) => {
          if (epoch !== before) committed({ events: [] }, true);
        },
      );
    },
    append: (write) =>
      call(
        'append',
        () => inner.append(write),
        () => {
          committed(write, false);
        },
      ),
    read: (fromSeq, maxEvents, maxBytes) => call('read', () => inner.read(fromSeq, maxEvents, maxBytes)),
    hashAt: (seq) => call('hashAt', () => inner.hashAt(seq)),
    acknowledge: (upTo, atMs) =>
      call(
        'acknowledge',
        () => inner.acknowledge(upTo, atMs),
        () => {
          tell({ type: 'outbox-acknowledged', machine, epoch: disk.backing.epoch ?? '', upTo });
        },
      ),
    rewind: (upTo) => call('rewind', () => inner.rewind(upTo), synced),
    trim: (bounds) => call('trim', () => inner.trim(bounds), synced),
    beginEpoch: (epoch, beginning) =>
      call(
        'beginEpoch',
        () => inner.beginEpoch(epoch, beginning),
        () => {
          committed({ events: [...disk.backing.events] }, true);
        },
      ),
    countLoss: (loss) =>
      call(
        'countLoss',
        () => inner.countLoss(loss),
        () => {
          tell({ type: 'outbox-loss', machine, entries: loss.entries, exits: loss.exits });
        },
      ),
    close: () => (life.isOver ? Promise.resolve() : call('close', () => inner.close(), synced)),
  };
}
