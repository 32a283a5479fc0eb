/** Disks that are exchanged: for an empty one, for an older image of themselves, or with a copy that runs beside them. */
import { createMemoryBacking } from '@gatehouse/aggregator';
import type { MemoryBacking } from '@gatehouse/aggregator';
import { createMemoryOutboxBacking } from '@gatehouse/edge-agent';
import type { MemoryOutboxBacking } from '@gatehouse/edge-agent';
import type { Random } from '@gatehouse/shared';
import { exponential, wholeBelow } from '../../random.js';
import type { FaultKind, Happening } from '../happenings.js';
import { centreMachine } from '../network/centre-link.js';
import type { AggregatorMachine } from '../processes/aggregator-machine.js';
import type { EdgeMachine } from '../processes/edge-machine.js';
import { copyBacking, replaceBacking } from '../storage/outbox-disk.js';
import { contentsOf, copyStore } from '../storage/store-disk.js';
import type { Timeline } from '../timeline.js';
import type { Injector } from './schedule.js';

export interface ExchangePorts {
  readonly timeline: Timeline;
  readonly tell: (happening: Happening) => void;
  readonly aggregator: AggregatorMachine;
  readonly edges: () => readonly EdgeMachine[];
  /** A machine beside an edge's own, with this on its disk. Answers how to take it away. */
  readonly addClone: (edge: EdgeMachine, backing: MemoryOutboxBacking) => { machine: string; remove: () => void };
}

export interface ExchangeFaults {
  readonly injectors: Partial<Record<FaultKind, Injector>>;
  /** Takes an image of every disk now and then, as far as `kinds` need any. */
  takeImages(kinds: ReadonlySet<FaultKind>, random: Random): void;
  stop(): void;
}

const imageGapMs = 40_000;
const maxImages = 6;
const exchangeMs = 1_000;

export function createExchangeFaults(ports: ExchangePorts): ExchangeFaults {
  const { timeline, aggregator, edges } = ports;
  const outboxImages = new Map<string, MemoryOutboxBacking[]>();
  const storeImages: MemoryBacking[] = [];
  let isOn = false;

  const keep = <T>(images: T[], image: T): void => {
    images.push(image);
    if (images.length > maxImages) images.shift();
  };
  const exchangeOutbox = (edge: EdgeMachine, backing: MemoryOutboxBacking, random: Random): void => {
    edge.service.turnOff('its disk is exchanged');
    replaceBacking(edge.disk, backing, edge, ports.tell);
    timeline.after(exchangeMs + exponential(random, 5_000), () => {
      edge.service.start();
    });
  };
  const exchangeStore = (backing: MemoryBacking, random: Random): void => {
    aggregator.service.turnOff('its disk is exchanged');
    aggregator.disk.backing = backing;
    ports.tell({ type: 'store-replaced', contents: contentsOf(backing) });
    timeline.after(exchangeMs + exponential(random, 5_000), () => {
      aggregator.service.start();
    });
  };
  const oneEdge = (random: Random): EdgeMachine | undefined => edges()[wholeBelow(random, edges().length)];
  const image = <T>(random: Random, images: readonly T[] | undefined): T | undefined =>
    images?.[wholeBelow(random, images.length)];

  return {
    injectors: {
      'outbox-replaced-by-empty'(random) {
        const edge = oneEdge(random);
        if (edge === undefined) return null;
        exchangeOutbox(edge, createMemoryOutboxBacking(), random);
        return { target: edge.machine, detail: 'an empty one' };
      },
      'outbox-replaced-by-copy'(random) {
        const edge = oneEdge(random);
        const old = edge === undefined ? undefined : image(random, outboxImages.get(edge.machine));
        if (edge === undefined || old === undefined) return null;
        exchangeOutbox(edge, copyBacking(old), random);
        return { target: edge.machine, detail: `one of ${String(old.next - 1)} events` };
      },
      'edge-cloned'(random) {
        const edge = oneEdge(random);
        if (edge === undefined) return null;
        const { machine, remove } = ports.addClone(edge, copyBacking(edge.disk.backing));
        return { target: machine, detail: `of ${edge.machine}`, end: remove };
      },
      'store-replaced-by-empty'(random) {
        exchangeStore(createMemoryBacking(), random);
        return { target: centreMachine, detail: 'an empty one' };
      },
      'store-replaced-by-copy'(random) {
        const old = image(random, storeImages);
        if (old === undefined) return null;
        exchangeStore(copyStore(old), random);
        return { target: centreMachine, detail: 'an older one' };
      },
    },
    takeImages(kinds, random) {
      isOn = true;
      const again = (): void => {
        if (!isOn) return;
        if (kinds.has('outbox-replaced-by-copy')) {
          for (const { machine, disk } of edges()) {
            const images = outboxImages.get(machine) ?? [];
            outboxImages.set(machine, images);
            if (disk.backing.epoch !== undefined) keep(images, copyBacking(disk.backing));
          }
        }
        if (kinds.has('store-replaced-by-copy')) keep(storeImages, copyStore(aggregator.disk.backing));
        timeline.after(imageGapMs * (0.5 + random.next()), again);
      };
      again();
    },
    stop() {
      isOn = false;
    },
  };
}
