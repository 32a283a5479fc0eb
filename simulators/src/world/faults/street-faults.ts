/** What goes wrong at the lanes on command. What drivers do and readers misread is the street's own chance. */
import type { SimulatedFault } from '@gatehouse/edge-agent';
import type { Random } from '@gatehouse/shared';
import { wholeBelow } from '../../random.js';
import type { FaultKind } from '../happenings.js';
import type { GatePlan } from '../scenario.js';
import type { Street } from '../street-port.js';
import type { Injector } from './schedule.js';

const faultsOf = {
  'sensor-bounce': ['arming-chatter', 'safety-chatter'],
  'sensor-stuck': ['arming-stuck', 'safety-stuck', 'arm-stuck'],
  'sensor-dead': ['arming-dead', 'safety-dead', 'limits-lost', 'reader-silent'],
} as const satisfies Partial<Record<FaultKind, readonly SimulatedFault[]>>;

export function streetInjectors(
  street: Street,
  gates: () => readonly GatePlan[],
): Partial<Record<FaultKind, Injector>> {
  const sensor =
    (faults: readonly SimulatedFault[]): Injector =>
    (random) => {
      const gate = oneOf(random, gates());
      const fault = oneOf(random, faults);
      if (gate === undefined || fault === undefined) return null;
      street.setFault(gate.gateId, fault, true);
      return {
        target: gate.gateId,
        detail: fault,
        end: () => {
          street.setFault(gate.gateId, fault, false);
        },
      };
    };
  return {
    'sensor-bounce': sensor(faultsOf['sensor-bounce']),
    'sensor-stuck': sensor(faultsOf['sensor-stuck']),
    'sensor-dead': sensor(faultsOf['sensor-dead']),
    flood(random) {
      const gate = oneOf(
        random,
        gates().filter(({ direction }) => direction !== 'exit'),
      );
      if (gate === undefined) return null;
      const vehicles = 5 + wholeBelow(random, 30);
      street.flood(gate.gateId, vehicles);
      return { target: gate.gateId, detail: `${String(vehicles)} vehicles` };
    },
  };
}

function oneOf<T>(random: Random, all: readonly T[]): T | undefined {
  return all[wholeBelow(random, all.length)];
}
