/** What goes wrong between machines and the broker, and with the broker. */
import type { Random } from '@gatehouse/shared';
import { pick, wholeBelow } from '../../random.js';
import type { FaultKind, MachineId } from '../happenings.js';
import { centreMachine } from '../network/centre-link.js';
import type { Network } from '../network/network.js';
import type { PathFaults } from '../network/path.js';
import type { BegunFault, Injector } from './schedule.js';

export interface NetworkFaultPorts {
  readonly network: Network;
  readonly embeddedBroker: boolean;
  readonly edgeMachines: () => readonly MachineId[];
  /** For a broker that runs in the aggregator's process. */
  readonly crashAggregator: (downMs: number) => void;
  readonly tellBroker: (type: 'started' | 'crashed', detail: string) => void;
}

export function networkInjectors(ports: NetworkFaultPorts): Partial<Record<FaultKind, Injector>> {
  const { network, embeddedBroker } = ports;
  let brokerIsDown = 0;

  const machines = (): readonly MachineId[] =>
    embeddedBroker ? ports.edgeMachines() : [...ports.edgeMachines(), centreMachine];
  const onPath =
    (draw: (random: Random) => { detail: string; by: Partial<PathFaults> }): Injector =>
    (random) => {
      const all = machines();
      const target = all[wholeBelow(random, all.length)];
      if (target === undefined) return null;
      const { detail, by } = draw(random);
      return { target, detail, end: worsen(network, [target], by) };
    };
  const partition: Injector = (random) => {
    const all = machines();
    const apart = all.filter(() => random.next() < 0.5);
    const chosen = apart.length === 0 ? all : apart;
    const isSilent = random.next() < 0.5;
    return {
      target: chosen.join(','),
      detail: isSilent ? 'packets vanish' : 'connections are reset',
      end: worsen(network, chosen, isSilent ? { heldUp: 1, heldDown: 1 } : { cut: 1 }),
    };
  };
  const brokerDown =
    (keepsRetained: boolean): Injector =>
    (random): BegunFault => {
      const detail = keepsRetained ? 'keeps what is retained' : 'loses what is retained';
      if (embeddedBroker) {
        ports.crashAggregator(500 + random.next() * 10_000);
        return { target: 'broker', detail: 'with the aggregator' };
      }
      brokerIsDown += 1;
      if (brokerIsDown === 1) {
        ports.tellBroker('crashed', detail);
        network.setBroker(false, keepsRetained);
      }
      return {
        target: 'broker',
        detail,
        end() {
          brokerIsDown -= 1;
          if (brokerIsDown > 0) return;
          network.setBroker(true, true);
          ports.tellBroker('started', detail);
        },
      };
    };

  return {
    'message-delayed': onPath((random) => {
      const delayMs = 100 + random.next() ** 2 * 5_000;
      return { detail: `by ${delayMs.toFixed(0)} ms`, by: { delayMs } };
    }),
    'message-lost': onPath((random) => {
      const lossRate = 0.05 + random.next() * 0.6;
      return { detail: share(lossRate), by: { lossRate } };
    }),
    'message-duplicated': onPath((random) => {
      const duplicateRate = 0.1 + random.next() * 0.8;
      return { detail: share(duplicateRate), by: { duplicateRate } };
    }),
    'message-reordered': onPath((random) => {
      const reorderRate = 0.1 + random.next() * 0.7;
      return { detail: share(reorderRate), by: { reorderRate } };
    }),
    'link-cut': onPath(() => ({ detail: 'reset', by: { cut: 1 } })),
    'link-half-open': onPath((random) =>
      pick(random, [
        [{ detail: 'towards the broker', by: { heldUp: 1 } }, 1],
        [{ detail: 'from the broker', by: { heldDown: 1 } }, 1],
        [{ detail: 'both ways', by: { heldUp: 1, heldDown: 1 } }, 1],
      ]),
    ),
    partition,
    'broker-down': brokerDown(true),
    'broker-forgets': brokerDown(false),
  };
}

/** Adds to what is wrong with the paths; answers how to take it off again. */
function worsen(network: Network, machines: readonly MachineId[], by: Partial<PathFaults>): () => void {
  const add = (sign: 1 | -1): void => {
    for (const machine of machines) {
      network.change(machine, (faults) => {
        for (const [name, amount] of Object.entries(by) as [keyof PathFaults, number][]) {
          const sum = faults[name] + sign * amount;
          // What is left by rounding is nothing.
          faults[name] = Math.abs(sum) < 1e-9 ? 0 : sum;
        }
      });
    }
  };
  add(1);
  return () => {
    add(-1);
  };
}

function share(rate: number): string {
  return `${(rate * 100).toFixed(0)} %`;
}
