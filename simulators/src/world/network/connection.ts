/**
 * One connection of a client to the broker, as a pair of ends that may differ in what they believe. Packets of one direction keep
 * their order, as over TCP, but where a fault says otherwise; what a dead path swallowed comes late when the path comes back first.
 */
import type { Random } from '@gatehouse/shared';
import { exponential } from '../../random.js';
import type { Timeline } from '../timeline.js';
import type { Path } from './path.js';

export type Way = 'up' | 'down';

/** Numbers of messages that met a fault, told to nobody else. */
export interface PacketCounts {
  delayed: number;
  lost: number;
  duplicated: number;
  reordered: number;
}

export interface Channel {
  /** Carries a packet that TCP looks after: never lost, but not delivered once the connection is over. */
  carry(way: Way, arrive: () => void): void;
  /** Carries a message with its faults. `copy` counts deliveries from 1. Answers whether it is on its way now, for sure. */
  carryMessage(way: Way, arrive: (copy: number) => void): boolean;
  /** The path works again: what was held goes on its way. */
  release(way: Way): void;
  end(): void;
  readonly isOver: boolean;
}

const reorderSpreadMs = 1_500;
const duplicateSpreadMs = 3_000;
/** A sender's buffer; what is beyond it is not taken. */
const maxHeldPackets = 500;

export function createChannel(timeline: Timeline, random: Random, path: Path, counts: PacketCounts): Channel {
  const lastDueMs: Record<Way, number> = { up: 0, down: 0 };
  const held: Record<Way, (() => void)[]> = { up: [], down: [] };
  let isOver = false;

  const isHeld = (way: Way): boolean => (way === 'up' ? path.faults.heldUp : path.faults.heldDown) > 0;
  const hold = (way: Way, arrive: () => void): void => {
    if (held[way].length < maxHeldPackets) held[way].push(arrive);
  };
  const travelMs = (): number => path.latencyMs * (0.5 + random.next());
  const send = (way: Way, delayMs: number, inOrder: boolean, arrive: () => void): void => {
    const wishedMs = timeline.nowMs + delayMs;
    const dueMs = inOrder ? Math.max(wishedMs, lastDueMs[way]) : wishedMs;
    if (inOrder) lastDueMs[way] = dueMs;
    timeline.at(dueMs, () => {
      if (isOver) return;
      if (isHeld(way)) hold(way, arrive);
      else arrive();
    });
  };

  return {
    carry(way, arrive) {
      if (isOver || path.faults.cut > 0) return;
      if (isHeld(way)) hold(way, arrive);
      else send(way, travelMs(), true, arrive);
    },
    carryMessage(way, arrive) {
      if (isOver || path.faults.cut > 0) return false;
      const { delayMs, lossRate, duplicateRate, reorderRate } = path.faults;
      if (lossRate > 0 && random.next() < lossRate) {
        counts.lost += 1;
        return false;
      }
      const first = (): void => {
        arrive(1);
      };
      if (isHeld(way)) {
        hold(way, first);
        return false;
      }
      let extraMs = 0;
      if (delayMs > 0) {
        extraMs = exponential(random, delayMs);
        counts.delayed += 1;
      }
      const isReordered = reorderRate > 0 && random.next() < reorderRate;
      if (isReordered) {
        extraMs += random.next() * reorderSpreadMs;
        counts.reordered += 1;
      }
      send(way, travelMs() + extraMs, !isReordered, first);
      if (duplicateRate > 0 && random.next() < duplicateRate) {
        counts.duplicated += 1;
        send(way, travelMs() + extraMs + random.next() * duplicateSpreadMs, false, () => {
          arrive(2);
        });
      }
      return true;
    },
    release(way) {
      if (isHeld(way)) return;
      for (const arrive of held[way].splice(0)) send(way, travelMs(), true, arrive);
    },
    end() {
      isOver = true;
      held.up.length = 0;
      held.down.length = 0;
    },
    get isOver() {
      return isOver;
    },
  };
}
