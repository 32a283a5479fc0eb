/**
 * Sees what goes between lanes and their barriers, for whoever looks: levels, counts, and the newest changes. It is in nobody’s way:
 * what it is told it passes on, and what it keeps is bounded.
 */
import type { Clock } from '@gatehouse/shared/edge';
import type { BarrierDriver, BarrierListener, LaneInput } from './ports.js';

export interface InputSeen {
  readonly name: LaneInput;
  readonly active: boolean;
  /** For how long it has been so. */
  readonly forMs: number;
  /** Since the start. */
  readonly changes: number;
  /** Levels shorter than the debounce time; null where a driver keeps them to itself. */
  readonly bounces: number | null;
}

/** What was asked of an output. Whether the arm did it, a limit input says. */
export interface OutputSeen {
  readonly name: 'open' | 'close' | 'hold-open' | 'lamp';
  readonly value: string;
  /** Since it was asked last; null when it never was. */
  readonly forMs: number | null;
  readonly times: number;
}

export interface LineChange {
  /** 1, 2, 3 … */
  readonly cursor: number;
  /** Wall-clock time. */
  readonly atMs: number;
  readonly gateId: string;
  readonly line: string;
  readonly value: string;
  /** How long the level before had lasted; null for the first one, whose beginning nobody saw. */
  readonly lastedMs: number | null;
  readonly isBounce: boolean;
}

export interface LinesSeen {
  readonly inputs: readonly InputSeen[];
  readonly outputs: readonly OutputSeen[];
  /** What the driver last complained about, while it does. */
  readonly trouble: string | null;
}

export interface LineWitness {
  /** The same driver, seen. */
  seen(gateId: string, driver: BarrierDriver): BarrierDriver;
  lines(gateId: string): LinesSeen;
  /** Changes after the cursor (0: all that are remembered), oldest first. */
  changesAfter(cursor: number): readonly LineChange[];
  /** Of the newest change; 0 before the first. */
  readonly cursor: number;
}

export const maxRememberedChanges = 256;

interface Line {
  value: string;
  sinceMs: number | null;
  times: number;
}

interface Gate {
  readonly inputs: Map<LaneInput, Line>;
  readonly outputs: ReadonlyMap<OutputSeen['name'], Line>;
  trouble: string | null;
}

export function createLineWitness(clock: Clock): LineWitness {
  const gates = new Map<string, Gate>();
  const changes: LineChange[] = [];
  let cursor = 0;

  const note = (gateId: string, name: string, line: Line, value: string, atMs: number): void => {
    const isFirst = line.times === 0 || line.sinceMs === null;
    const lastedMs = isFirst ? null : Math.max(0, Math.round(atMs - (line.sinceMs ?? atMs)));
    Object.assign(line, { value, sinceMs: atMs, times: line.times + 1 });
    cursor += 1;
    const wallMs = Math.round(clock.wallMs() - (clock.monoMs() - atMs));
    changes.push({ cursor, atMs: wallMs, gateId, line: name, value, lastedMs, isBounce: false });
    if (changes.length > maxRememberedChanges) changes.shift();
  };
  const listen = (gateId: string, gate: Gate, listener: BarrierListener): BarrierListener => ({
    onInput(edge) {
      // Noted first, so that what follows from it stands after it.
      const line = gate.inputs.get(edge.input) ?? { value: '', sinceMs: null, times: 0 };
      gate.inputs.set(edge.input, line);
      note(gateId, edge.input, line, levelWord(edge.active), edge.monoMs);
      listener.onInput(edge);
    },
    onTrouble(detail) {
      listener.onTrouble(detail);
      gate.trouble = detail;
    },
    onTroubleOver() {
      listener.onTroubleOver();
      gate.trouble = null;
    },
  });

  return {
    seen(gateId, driver) {
      const gate = newGate();
      gates.set(gateId, gate);
      const ask = (name: OutputSeen['name'], value: string): void => {
        const line = gate.outputs.get(name);
        // Lamps and holds are told again and again what they are.
        if (line === undefined || (value !== 'asked' && line.value === value)) return;
        note(gateId, name, line, value, clock.monoMs());
      };
      return {
        inputs: driver.inputs,
        async start(listener) {
          const levels = await driver.start(listen(gateId, gate, listener));
          for (const [input, active] of levels) {
            if (gate.inputs.has(input)) continue;
            gate.inputs.set(input, { value: levelWord(active), sinceMs: clock.monoMs(), times: 0 });
          }
          return levels;
        },
        requestOpen() {
          driver.requestOpen();
          ask('open', 'asked');
        },
        requestClose() {
          driver.requestClose();
          ask('close', 'asked');
        },
        setHoldOpen(holdOpen) {
          driver.setHoldOpen(holdOpen);
          ask('hold-open', holdOpen ? 'on' : 'off');
        },
        setLamp(lamp) {
          driver.setLamp(lamp);
          ask('lamp', lamp);
        },
        showText(text) {
          driver.showText(text);
        },
        stop: () => driver.stop(),
      };
    },
    lines(gateId) {
      const gate = gates.get(gateId);
      if (gate === undefined) return { inputs: [], outputs: [], trouble: null };
      const nowMs = clock.monoMs();
      const age = (sinceMs: number | null): number => Math.max(0, Math.round(nowMs - (sinceMs ?? nowMs)));
      return {
        inputs: [...gate.inputs].map(([name, { value, sinceMs, times }]) => {
          return { name, active: value === levelWord(true), forMs: age(sinceMs), changes: times, bounces: null };
        }),
        outputs: [...gate.outputs].map(([name, { value, sinceMs, times }]) => {
          return { name, value, forMs: sinceMs === null ? null : age(sinceMs), times };
        }),
        trouble: gate.trouble,
      };
    },
    changesAfter: (after) => changes.filter((change) => change.cursor > after),
    get cursor() {
      return cursor;
    },
  };
}

function levelWord(active: boolean): string {
  return active ? 'active' : 'clear';
}

function newGate(): Gate {
  const line = (value: string): Line => ({ value, sinceMs: null, times: 0 });
  return {
    inputs: new Map(),
    outputs: new Map([
      ['open', line('not asked')],
      ['close', line('not asked')],
      ['hold-open', line('off')],
      ['lamp', line('off')],
    ]),
    trouble: null,
  };
}
