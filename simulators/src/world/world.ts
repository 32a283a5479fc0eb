/** Puts a world together: network, machines, street and people of one scenario, and what can go wrong with each. */
import type { Aggregator } from '@gatehouse/aggregator';
import { siteRowOf } from '@gatehouse/aggregator';
import type { Logger, Random } from '@gatehouse/shared';
import { createDesk } from './desk.js';
import type { WorldDesk } from './desk.js';
import { createEdgeFleet } from './edge-fleet.js';
import type { EdgeFleet } from './edge-fleet.js';
import { createExchangeFaults } from './faults/disk-exchange.js';
import { machineInjectors } from './faults/machine-faults.js';
import { networkInjectors } from './faults/network-faults.js';
import { createFaultSchedule } from './faults/schedule.js';
import type { FaultSchedule } from './faults/schedule.js';
import { streetInjectors } from './faults/street-faults.js';
import { startGauges } from './gauges.js';
import type { FaultKind, Happening } from './happenings.js';
import { centreMachine } from './network/centre-link.js';
import { createNetwork } from './network/network.js';
import type { Network } from './network/network.js';
import type { CreatePeople, People } from './operator-desk.js';
import { createAggregatorMachine } from './processes/aggregator-machine.js';
import type { AggregatorMachine } from './processes/aggregator-machine.js';
import { startWallMs } from './processes/life.js';
import { createRegistry } from './registry.js';
import type { Registry } from './registry.js';
import type { Scenario } from './scenario.js';
import { noDiskFaults } from './storage/disk-faults.js';
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
  readonly createPeople: CreatePeople;
  readonly logger: Logger;
}

export interface World {
  readonly street: Street;
  readonly schedule: FaultSchedule;
  readonly start: () => void;
  readonly beginTrouble: () => void;
  /** Whatever is wrong is made right, and whoever is down is started. */
  readonly endTrouble: () => void;
  /** Nobody at a gate, everything stored and acknowledged, everybody connected. */
  readonly isQuiet: boolean;
}

const provisionAgainMs = 2_000;

interface Parts {
  readonly street: Street;
  readonly network: Network;
  readonly registry: Registry;
  readonly aggregator: AggregatorMachine;
  readonly fleet: EdgeFleet;
  readonly desk: WorldDesk;
  readonly people: People;
}

export function createWorld(ports: WorldPorts): World {
  const { scenario, random } = ports;
  const parts = createParts(ports);
  const { street, network, aggregator, fleet, people } = parts;
  const exchange = createExchangeFaults({
    ...ports,
    aggregator,
    edges: () => fleet.machines,
    addClone: fleet.addClone,
  });
  const schedule = createFaultSchedule(scenario.faults, {
    ...ports,
    injectors: {
      ...networkInjectors({
        network,
        embeddedBroker: scenario.embeddedBroker,
        edgeMachines: () => fleet.machines.map(({ machine }) => machine),
        crashAggregator: (downMs) => {
          aggregator.service.crash('with its broker', downMs);
        },
        tellBroker: (type, detail) => {
          ports.tell({ type, machine: 'broker', detail });
        },
      }),
      ...machineInjectors({ aggregator, edges: () => fleet.machines }),
      ...exchange.injectors,
      ...streetInjectors(street, () => fleet.gates),
    },
  });

  return {
    street,
    schedule,
    start() {
      aggregator.service.start();
      street.open();
      startGauges({ ...ports, aggregator, fleet });
    },
    beginTrouble() {
      exchange.takeImages(new Set(Object.keys(scenario.faults) as FaultKind[]), random('images'));
      schedule.begin();
      people.start();
    },
    endTrouble() {
      exchange.stop();
      schedule.end();
      network.healAll();
      if (!scenario.embeddedBroker) network.setBroker(true, true);
      aggregator.service.calm();
      for (const { service } of fleet.machines) service.calm();
      street.mendAll();
      people.rest();
    },
    get isQuiet() {
      const health = aggregator.living?.health();
      return (
        street.vehiclesAtGates === 0 &&
        health?.ready === true &&
        health.pendingBatches + health.pendingOperations + health.pendingPublishes === 0 &&
        network.unsettled === 0 &&
        fleet.machines.every(({ agent, service }) => {
          const status = agent?.status();
          return service.isRunning && status?.link.up === true && status.outbox.unacknowledged === 0;
        })
      );
    },
  };
}

function createParts(ports: WorldPorts): Parts {
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
  const fleet = createEdgeFleet({ ...ports, ...diskPorts, network, registry, street });

  const followLayout = (siteId: string): void => {
    const site = aggregator.living?.site(siteId);
    if (site === undefined) return;
    registry.setLayout(siteRowOf(site).layout);
    fleet.follow(siteId);
  };
  let isInstalled = false;
  const provision = (living: Aggregator): void => {
    registry.provision(living).then(
      () => {
        for (const siteId of living.siteIds()) if (aggregator.living === living) followLayout(siteId);
        // Whoever connects before it is enrolled is refused, and tries again much later.
        if (!isInstalled) for (const { service } of fleet.machines) service.start();
        isInstalled = true;
      },
      () => {
        timeline.after(provisionAgainMs, () => {
          if (aggregator.living === living) provision(living);
        });
      },
    );
  };
  const aggregator = createAggregatorMachine({
    ...diskPorts,
    seed: scenario.seed,
    disk: createStoreDisk({ ...noDiskFaults(), lostAnswerRate: 0 }),
    time: { wallOffsetMs: 0, rate: 1 },
    network,
    embeddedBroker: scenario.embeddedBroker,
    stateIntervalMs: scenario.state.intervalMs,
    logger: ports.logger,
    onStarted: provision,
    onEnded: () => {
      desk.onAggregatorEnded();
    },
  });
  const desk = createDesk({ timeline, living: () => aggregator.living, registry, onLayout: followLayout });
  const people = ports.createPeople({
    clock: trueClock(timeline, startWallMs),
    random: random('people'),
    tell,
    desk,
    sites: scenario.sites,
    plan: scenario.people,
  });
  return { street, network, registry, aggregator, fleet, desk, people };
}
