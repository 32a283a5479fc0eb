/** What goes wrong with machines: their processes, disks and clocks. */
import type { Random } from '@gatehouse/shared';
import { pick, wholeBelow } from '../../random.js';
import type { FaultKind } from '../happenings.js';
import { centreMachine } from '../network/centre-link.js';
import type { AggregatorMachine } from '../processes/aggregator-machine.js';
import type { EdgeMachine } from '../processes/edge-machine.js';
import type { MachineTime } from '../processes/life.js';
import type { Service } from '../processes/service.js';
import type { ArmedCrash } from '../processes/step-watch.js';
import type { DiskFaults } from '../storage/disk-faults.js';
import type { BegunFault, Injector } from './schedule.js';

export interface MachineFaultPorts {
  readonly aggregator: AggregatorMachine;
  /** Those with lanes; clones not among them. */
  readonly edges: () => readonly EdgeMachine[];
}

const yearMs = 365 * 86_400_000;
const maxOffsetMs = 10 * yearMs;
const jumpsMs = [3_000, 60_000, 3_600_000, 86_400_000, yearMs, 5 * yearMs] as const;

export function machineInjectors({ aggregator, edges }: MachineFaultPorts): Partial<Record<FaultKind, Injector>> {
  const onEdge =
    (begin: (edge: EdgeMachine, random: Random) => Omit<BegunFault, 'target'>): Injector =>
    (random) => {
      const edge = oneOf(random, edges());
      return edge === undefined ? null : { target: edge.machine, ...begin(edge, random) };
    };
  const onAny = (
    random: Random,
  ): { readonly machine: string; readonly service: Service; readonly time: MachineTime } => {
    const edge = random.next() < 0.3 ? undefined : oneOf(random, edges());
    return edge ?? { machine: centreMachine, service: aggregator.service, time: aggregator.time };
  };
  const storeFault = (detail: string, by: Partial<AggregatorMachine['disk']['faults']>): BegunFault => ({
    target: centreMachine,
    detail,
    end: add(aggregator.disk.faults, by),
  });

  return {
    'outbox-error': onEdge((edge, random) => {
      const errorRate = random.next() < 0.4 ? 1 : 0.05 + random.next() * 0.5;
      return { detail: `${(errorRate * 100).toFixed(0)} %`, end: add<DiskFaults>(edge.disk.faults, { errorRate }) };
    }),
    'outbox-full': onEdge((edge) => ({ detail: 'full', end: add<DiskFaults>(edge.disk.faults, { full: 1 }) })),
    'outbox-slow': onEdge((edge, random) => {
      const slowMs = 20 + random.next() ** 2 * 4_000;
      return { detail: `by ${slowMs.toFixed(0)} ms`, end: add<DiskFaults>(edge.disk.faults, { slowMs }) };
    }),
    'store-error': (random) => {
      const errorRate = random.next() < 0.4 ? 1 : 0.05 + random.next() * 0.5;
      return storeFault(`${(errorRate * 100).toFixed(0)} %`, { errorRate });
    },
    'store-full': () => storeFault('full', { full: 1 }),
    'store-slow': (random) => {
      const slowMs = 20 + random.next() ** 2 * 4_000;
      return storeFault(`by ${slowMs.toFixed(0)} ms`, { slowMs });
    },
    'store-stored-but-failed': (random) => {
      const lostAnswerRate = 0.2 + random.next() * 0.8;
      return storeFault(`${(lostAnswerRate * 100).toFixed(0)} %`, { lostAnswerRate });
    },
    'edge-crash': onEdge((edge, random) => ({ detail: crash(edge.service, random) })),
    'aggregator-crash': (random) => ({ target: centreMachine, detail: crash(aggregator.service, random) }),
    'crash-during-start'(random) {
      const { machine, service } = onAny(random);
      const armed = drawCrash(random, 8);
      service.crashNextStart(armed);
      service.crash('so that it starts', 500);
      return { target: machine, detail: `${armed.when} step ${String(armed.stepsLeft)}` };
    },
    'clock-jump'(random) {
      const { machine, time } = onAny(random);
      const size = jumpsMs[wholeBelow(random, jumpsMs.length)] ?? 0;
      const byMs = Math.round(size * (random.next() < 0.5 ? -1 : 1) * (0.5 + random.next()));
      time.wallOffsetMs = Math.max(-maxOffsetMs, Math.min(maxOffsetMs, time.wallOffsetMs + byMs));
      return { target: machine, detail: `by ${String(byMs)} ms` };
    },
    'clock-drift'(random) {
      const { machine, time } = onAny(random);
      time.rate = 1 + (random.next() - 0.5) * 0.02;
      return { target: machine, detail: `rate ${time.rate.toFixed(5)} from its next start on` };
    },
  };
}

function crash(service: Service, random: Random): string {
  const downMs = 200 + random.next() ** 3 * 60_000;
  if (random.next() < 0.5) {
    service.crash('killed', downMs);
    return `at once, down for ${downMs.toFixed(0)} ms`;
  }
  const armed = drawCrash(random, 20);
  service.crashAtStep(armed, downMs);
  return `${armed.when} step ${String(armed.stepsLeft)}, down for ${downMs.toFixed(0)} ms`;
}

function drawCrash(random: Random, maxSteps: number): ArmedCrash {
  return {
    stepsLeft: 1 + wholeBelow(random, maxSteps),
    when: pick(random, [
      ['before', 1],
      ['after', 1],
    ]),
  };
}

/** Adds to what is wrong with a disk; answers how to take it off again. */
function add<T extends DiskFaults>(faults: T, by: Partial<T>): () => void {
  const change = (sign: 1 | -1): void => {
    for (const [name, amount] of Object.entries(by) as [keyof DiskFaults, number][]) {
      const sum = faults[name] + sign * amount;
      faults[name] = Math.abs(sum) < 1e-9 ? 0 : sum;
    }
  };
  change(1);
  return () => {
    change(-1);
  };
}

function oneOf<T>(random: Random, all: readonly T[]): T | undefined {
  return all[wholeBelow(random, all.length)];
}
