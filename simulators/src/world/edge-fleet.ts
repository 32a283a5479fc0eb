/** The edge machines of all sites, their clones, and the lanes that each runs by its site's layout. */
import type { MemoryOutboxBacking } from '@gatehouse/edge-agent';
import type { Logger } from '@gatehouse/shared';
import type { MachineId } from './happenings.js';
import type { Network } from './network/network.js';
import { createEdgeMachine } from './processes/edge-machine.js';
import type { EdgeMachine } from './processes/edge-machine.js';
import type { Registry } from './registry.js';
import type { GatePlan, Scenario, SitePlan } from './scenario.js';
import { noDiskFaults } from './storage/disk-faults.js';
import { createOutboxDisk, replaceBacking } from './storage/outbox-disk.js';
import type { DiskPorts } from './storage/outbox-disk.js';
import type { Street } from './street-port.js';

export interface EdgeFleetPorts extends DiskPorts {
  readonly scenario: Scenario;
  readonly network: Network;
  readonly registry: Registry;
  readonly street: Street;
  readonly logger: Logger;
}

export interface EdgeFleet {
  /** Those with lanes. */
  readonly machines: readonly EdgeMachine[];
  readonly gates: readonly GatePlan[];
  /** Builds and closes lanes as the registered layout says, and starts anew the agents whose lanes changed. */
  follow(siteId: string): void;
  addClone: (edge: EdgeMachine, backing: MemoryOutboxBacking) => { machine: MachineId; remove: () => void };
}

const maxOutboxEvents = 1_000_000;

export function createEdgeFleet(ports: EdgeFleetPorts): EdgeFleet {
  const { scenario, registry, street } = ports;
  const lanes = new Map<string, readonly GatePlan[]>();
  const machines: EdgeMachine[] = [];
  let clones = 0;

  const build = (site: SitePlan, edgeId: string, machine: MachineId, withLanes: boolean): EdgeMachine =>
    createEdgeMachine({
      ...ports,
      seed: scenario.seed,
      machine,
      siteId: site.siteId,
      edgeId,
      gates: () => lanes.get(edgeId) ?? [],
      settings: {
        policies: { openWhenNoAllowance: site.openWhenNoAllowance },
        protocol: { stateCoalesceMs: scenario.state.coalesceMs, stateIntervalMs: scenario.state.intervalMs },
      },
      disk: createOutboxDisk(noDiskFaults(), maxOutboxEvents),
      time: { wallOffsetMs: 0, rate: 1 },
      street: withLanes ? street : undefined,
      password: () => registry.password(edgeId),
    });
  for (const site of scenario.sites) {
    for (const { edgeId, gates } of site.edges) {
      lanes.set(edgeId, gates);
      machines.push(build(site, edgeId, edgeId, true));
    }
  }

  const follow = (siteId: string): void => {
    const { gates } = registry.layout(siteId);
    for (const edge of machines) {
      if (edge.siteId !== siteId) continue;
      const before = lanes.get(edge.edgeId) ?? [];
      const wanted = gates.filter((gate) => gate.edgeId === edge.edgeId);
      const removed = before.filter(({ gateId }) => !wanted.some((gate) => gate.gateId === gateId));
      const added = wanted
        .filter(({ gateId }) => !before.some((gate) => gate.gateId === gateId))
        .map(({ gateId, direction }) => ({ gateId, direction, hasReader: before[0]?.hasReader ?? true }));
      const left = [...before.filter((gate) => !removed.includes(gate)), ...added];
      // An agent runs at least one gate.
      if ((removed.length === 0 && added.length === 0) || left.length === 0) continue;
      for (const gate of added) street.addGate(siteId, gate);
      lanes.set(edge.edgeId, left);
      edge.service.restart('its lanes changed', 1_000);
      for (const { gateId } of removed) street.removeGate(gateId);
    }
  };

  return {
    machines,
    get gates() {
      return [...lanes.values()].flat();
    },
    follow,
    addClone(edge, backing) {
      clones += 1;
      const site = scenario.sites.find(({ siteId }) => siteId === edge.siteId);
      if (site === undefined) throw new RangeError(`no site ${edge.siteId}`);
      const clone = build(site, edge.edgeId, `${edge.machine}~${String(clones + 1)}`, false);
      replaceBacking(clone.disk, backing, clone, ports.tell);
      clone.service.start();
      return {
        machine: clone.machine,
        remove: () => {
          clone.service.turnOff('taken away');
        },
      };
    },
  };
}
