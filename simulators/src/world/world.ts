/** Puts a world together: network, machines and street of one scenario. */
import type { Aggregator } from '@gatehouse/aggregator';
import type { Logger, Random } from '@gatehouse/shared';
import type { Happening, MachineId } from './happenings.js';
import { centreMachine } from './network/centre-link.js';
import { createNetwork } from './network/network.js';
import type { Network } from './network/network.js';
import { createAggregatorMachine } from './processes/aggregator-machine.js';
import type { AggregatorMachine } from './processes/aggregator-machine.js';
import { createEdgeMachine } from './processes/edge-machine.js';
import type { EdgeMachine } from './processes/edge-machine.js';
import { startWallMs } from './processes/life.js';
import { createRegistry } from './registry.js';
import type { Registry } from './registry.js';
import type { Scenario } from './scenario.js';
import { noDiskFaults } from './storage/disk-faults.js';
import { createOutboxDisk } from './storage/outbox-disk.js';
import { createStoreDisk } from './storage/store-disk.js';
import type { CreateStreet, Street } from './street-port.js';
import { trueClock } from './timeline.js';
import type { Timeline } from './timeline.js';

export interface WorldPorts {
  readonly scenario: Scenario;
  readonly timeline: Timeline;
  readonly tell: (happening: Happening) => void;
  /** A stream of chance of its own for each name. */
  readonly random: (name: string) => Random;
  readonly createStreet: CreateStreet;
  readonly logger: Logger;
}

export interface World {
  readonly street: Street;
  readonly network: Network;
  readonly registry: Registry;
  readonly aggregator: AggregatorMachine;
  readonly edges: ReadonlyMap<MachineId, EdgeMachine>;
  start(): void;
  beginTrouble(): void;
  endTrouble(): void;
}

const maxOutboxEvents = 1_000_000;
const provisionAgainMs = 2_000;

export function createWorld(ports: WorldPorts): World {
  const { scenario, timeline, tell, random } = ports;
  const diskPorts = { timeline, tell, random: random('disk') };
  const latencies = random('latency');
  const network = createNetwork({
    timeline,
    random: random('network'),
    tell,
    latencyMs: (machine) => (machine === centreMachine && scenario.embeddedBroker ? 0.05 : 2 + latencies.next() * 8),
    admits: (clientId, password) => registry.admits(clientId, password),
  });
  const registry = createRegistry(scenario.sites, random('registry'), {
    isEmbedded: scenario.embeddedBroker,
    aggregator: () => aggregator.living,
  });
  const street = ports.createStreet({
    clock: trueClock(timeline, startWallMs),
    random: random('street'),
    tell,
    sites: scenario.sites,
  });

  const provision = (living: Aggregator): void => {
    registry.provision(living).catch(() => {
      timeline.after(provisionAgainMs, () => {
        if (aggregator.living === living) provision(living);
      });
    });
  };
  const aggregator = createAggregatorMachine({
    ...diskPorts,
    seed: scenario.seed,
    disk: createStoreDisk({ ...noDiskFaults(), lostAnswerRate: 0 }),
    time: { wallOffsetMs: 0, rate: 1 },
    network,
    embeddedBroker: scenario.embeddedBroker,
    logger: ports.logger,
    onStarted: provision,
    onEnded: () => undefined,
  });
  const edges = new Map<MachineId, EdgeMachine>();
  for (const { siteId, edges: plans, openWhenNoAllowance } of scenario.sites) {
    for (const { edgeId, gates } of plans) {
      const machine = createEdgeMachine({
        ...diskPorts,
        seed: scenario.seed,
        machine: edgeId,
        siteId,
        edgeId,
        gates: () => gates,
        settings: { policies: { openWhenNoAllowance } },
        disk: createOutboxDisk(noDiskFaults(), maxOutboxEvents),
        time: { wallOffsetMs: 0, rate: 1 },
        network,
        street,
        password: () => registry.password(edgeId),
        logger: ports.logger,
      });
      edges.set(edgeId, machine);
    }
  }

  return {
    street,
    network,
    registry,
    aggregator,
    edges,
    start() {
      aggregator.service.start();
      for (const edge of edges.values()) edge.service.start();
      street.open();
    },
    beginTrouble: () => undefined,
    endTrouble: () => undefined,
  };
}
