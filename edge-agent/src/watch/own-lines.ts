/** Watches the inputs of gates by itself, where no agent runs. It asks for inputs alone: no output is touched. */
import type { Clock } from '@gatehouse/shared/edge';
import type { LaneInput } from '../app/ports.js';
import type { GateView } from './contract.js';
import { meter, newMeter } from './line-meter.js';
import type { LineMeter } from './line-meter.js';
import type { LanesListener, LanesSource } from './source.js';

export interface WireListener {
  /** Every change of the contact, bounces included; `atMs` on the monotonic clock. */
  onRaw(input: LaneInput, active: boolean, atMs: number): void;
  onTrouble(problem: string | null): void;
}

/** The inputs of one gate. */
export interface Wires {
  /** Answers the present levels. */
  start(listener: WireListener): Promise<ReadonlyMap<LaneInput, boolean>>;
  /** May be called twice. */
  stop(): Promise<void>;
}

export interface OwnGate {
  readonly gateId: string;
  readonly direction: string;
  readonly debounceMsOf: (input: LaneInput) => number;
  readonly wires: Wires;
}

export function createOwnLines(tells: string, gates: readonly OwnGate[], clock: Clock): LanesSource {
  const meters = new Map<string, Map<LaneInput, LineMeter>>(gates.map(({ gateId }) => [gateId, new Map()]));
  const metersOf = (gateId: string): Map<LaneInput, LineMeter> => meters.get(gateId) ?? new Map<LaneInput, LineMeter>();
  let cursor = 0;

  const listen = ({ gateId, debounceMsOf }: OwnGate, listener: LanesListener): WireListener => ({
    onRaw(input, active, atMs) {
      const before = metersOf(gateId).get(input) ?? newMeter(!active, debounceMsOf(input), atMs);
      const change = meter(before, active, atMs);
      if (change === undefined) return;
      metersOf(gateId).set(input, change.meter);
      cursor += 1;
      const { isBounce } = change;
      const lastedMs = change.lastedMs === null ? null : Math.round(change.lastedMs);
      const wallMs = Math.round(clock.wallMs() - (clock.monoMs() - atMs));
      const value = active ? 'active' : 'clear';
      listener.onChange({ cursor, atMs: wallMs, gateId, line: input, value, lastedMs, isBounce });
    },
    onTrouble(problem) {
      listener.onTrouble(problem);
    },
  });
  const stop = async (): Promise<void> => {
    await Promise.all(gates.map(({ wires }) => wires.stop()));
  };

  return {
    tells,
    async start(listener) {
      try {
        for (const gate of gates) {
          const levels = await gate.wires.start(listen(gate, listener));
          for (const [input, active] of levels) {
            if (metersOf(gate.gateId).has(input)) continue;
            metersOf(gate.gateId).set(input, newMeter(active, gate.debounceMsOf(input), clock.monoMs()));
          }
        }
      } catch (error) {
        await stop();
        throw error;
      }
    },
    gates: () =>
      gates.map(({ gateId, direction }): GateView => {
        const nowMs = clock.monoMs();
        const inputs = [...metersOf(gateId)].map(([name, { active, sinceMs, changes, bounces }]) => {
          return { name, active, forMs: Math.max(0, Math.round(nowMs - sinceMs)), changes, bounces };
        });
        return { gateId, direction, lane: null, inputs, outputs: [], trouble: null };
      }),
    stop,
  };
}
