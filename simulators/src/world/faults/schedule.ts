/** When which fault comes, and that each one ends: by itself, or when the trouble is over. */
import type { Random } from '@gatehouse/shared';
import { exponential } from '../../random.js';
import type { FaultKind, Happening } from '../happenings.js';
import type { FaultPlan, Scenario } from '../scenario.js';
import type { Timeline } from '../timeline.js';

/** A fault that has begun. */
export interface BegunFault {
  readonly target: string;
  readonly detail: string;
  /** Makes it right again; undefined where there is nothing to be made right. */
  readonly end?: () => void;
}

/** Makes something wrong; null when there is nothing to be made wrong now. */
export type Injector = (random: Random) => BegunFault | null;

export interface FaultSchedule {
  begin(): void;
  /** Everything that was begun ends, and nothing begins any more. */
  end(): void;
  /** Faults begun so far, by kind. */
  readonly counts: ReadonlyMap<FaultKind, number>;
}

export interface FaultSchedulePorts {
  readonly timeline: Timeline;
  readonly random: (name: string) => Random;
  readonly tell: (happening: Happening) => void;
  readonly injectors: Readonly<Partial<Record<FaultKind, Injector>>>;
}

const hourMs = 3_600_000;
const shortestMs = 200;

export function createFaultSchedule(faults: Scenario['faults'], ports: FaultSchedulePorts): FaultSchedule {
  const { timeline, tell } = ports;
  const counts = new Map<FaultKind, number>();
  const running = new Set<() => void>();
  /** How often a kind is at work on a target: it is over when the last one is. */
  const atWork = new Map<string, number>();
  let isOn = false;

  const inject = (kind: FaultKind, { meanMs }: FaultPlan, injector: Injector, random: Random): void => {
    const begun = injector(random);
    if (begun === null) return;
    const { target, detail } = begun;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    tell({ type: 'fault', kind, target, detail });
    if (begun.end === undefined) return;
    const { end } = begun;
    const name = `${kind} ${target}`;
    atWork.set(name, (atWork.get(name) ?? 0) + 1);
    const finish = (): void => {
      if (!running.delete(finish)) return;
      end();
      const left = (atWork.get(name) ?? 1) - 1;
      atWork.set(name, left);
      if (left === 0) tell({ type: 'fault-over', kind, target });
    };
    running.add(finish);
    timeline.after(shortestMs + exponential(random, meanMs), finish);
  };
  const plan = (kind: FaultKind, fault: FaultPlan, injector: Injector, random: Random): void => {
    timeline.after(exponential(random, hourMs / fault.perHour), () => {
      if (!isOn) return;
      inject(kind, fault, injector, random);
      plan(kind, fault, injector, random);
    });
  };

  return {
    begin() {
      isOn = true;
      for (const [kind, fault] of Object.entries(faults) as [FaultKind, FaultPlan][]) {
        const injector = ports.injectors[kind];
        if (injector !== undefined) plan(kind, fault, injector, ports.random(`fault ${kind}`));
      }
    },
    end() {
      isOn = false;
      for (const finish of [...running]) finish();
    },
    counts,
  };
}
