/** Metrics gate by gate. Each word of a catalogue has a series from the start: 1 for what is so, 0 for what is not. */
import { barrierPositions, faultCatalogue, faultNames, laneModes } from '@gatehouse/shared/edge';
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { EdgeStatus, GateStatus } from '../app/status.js';

type Source = () => EdgeStatus | undefined;

/** Registers them; nothing is told while `source` has none. */
export function defineGates(registry: Registry, source: Source): void {
  oneOf(registry, source, {
    name: 'gatehouse_agent_gate_barrier',
    help: '1 for the position of the arm, as far as its limits tell.',
    label: 'position',
    words: barrierPositions,
    current: (gate) => gate.barrier,
  });
  oneOf(registry, source, {
    name: 'gatehouse_agent_gate_mode',
    help: '1 for the mode of the lane.',
    label: 'mode',
    words: laneModes,
    current: (gate) => gate.mode,
  });
  new Gauge({
    name: 'gatehouse_agent_gate_faults',
    help: '1 while a fault of the catalogue is raised; gate is empty for a fault of the whole edge.',
    labelNames: ['gate', 'fault'],
    registers: [registry],
    collect() {
      this.reset();
      const edge = source();
      if (edge === undefined) return;
      const places = [
        { scope: 'edge', gate: '', raised: edge.faults },
        ...edge.gates.map(({ gateId, faults }) => ({ scope: 'gate', gate: gateId, raised: faults })),
      ];
      for (const { scope, gate, raised } of places) {
        for (const fault of faultNames) {
          if (faultCatalogue[fault].scope === scope) this.set({ gate, fault }, raised.includes(fault) ? 1 : 0);
        }
      }
    },
  });
  new Counter({
    name: 'gatehouse_agent_passages_total',
    help: 'Vehicles that went through, those that tailgated or went through an open gate included.',
    labelNames: ['gate', 'direction'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { gateId: gate, passages } of source()?.gates ?? []) {
        for (const [direction, count] of Object.entries(passages)) this.inc({ gate, direction }, count);
      }
    },
  });
}

/** @param missed by gate */
export function defineMissedEdges(registry: Registry, missed: ReadonlyMap<string, number>): void {
  new Counter({
    name: 'gatehouse_agent_missed_edges_total',
    help: 'Edges of real inputs that nobody was told of; levels were read back. Gates on real lines only.',
    labelNames: ['gate'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [gate, count] of missed) this.inc({ gate }, count);
    },
  });
}

interface Words {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  readonly words: readonly string[];
  readonly current: (gate: GateStatus) => string;
}

function oneOf(registry: Registry, source: Source, { name, help, label, words, current }: Words): void {
  new Gauge({
    name,
    help,
    labelNames: ['gate', label],
    registers: [registry],
    collect() {
      this.reset();
      for (const gate of source()?.gates ?? []) {
        for (const word of words) this.set({ gate: gate.gateId, [label]: word }, word === current(gate) ? 1 : 0);
      }
    },
  });
}
