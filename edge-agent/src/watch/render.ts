/** What a person sees of the lanes: a picture that is drawn again and again, or a line for every change. Pure. */
import type { ChangeView, GateView, InputView, LaneView, OutputView } from './contract.js';

export interface Picture {
  /** Who tells this. */
  readonly source: string;
  /** What keeps it from being told; null when all is well. */
  readonly trouble: string | null;
  readonly gates: readonly GateView[];
  /** The newest changes in words, oldest first. */
  readonly recent: readonly string[];
}

export interface Frame {
  readonly columns: number;
  readonly rows: number;
}

/** How parts of a line are shown; texts pass through unchanged where there are no colours. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
}

/** Where a line is wired, e.g. `BCM 17, active low`; empty where it is not. */
export type WiringOf = (gateId: string, kind: 'inputs' | 'outputs', name: string) => string;

interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/** No longer than the frame in either direction. */
export function drawPicture(picture: Picture, frame: Frame, paint: Paint, wiringOf: WiringOf): string[] {
  const lines: Cell[][] = [
    [{ text: picture.source, paint: paint.dim }],
    ...(picture.trouble === null ? [] : [[{ text: picture.trouble, paint: paint.bad }]]),
    ...picture.gates.flatMap((gate) => [[], ...drawGate(gate, paint, wiringOf)]),
    ...(picture.recent.length === 0 ? [] : [[], ...picture.recent.map((text) => [{ text, paint: paint.dim }])]),
  ];
  const shown = lines.length <= frame.rows ? lines : [...lines.slice(0, frame.rows - 1), [moreLines(lines, frame)]];
  return shown.map((cells) => drawLine(cells, frame.columns));
}

/** One change as a line of text. */
export function describeChange({ gateId, line, value, lastedMs, isBounce }: ChangeView): string {
  const after = lastedMs === null ? '' : `  after ${spanInWords(lastedMs)}`;
  return `${gateId}  ${line} ${value}${after}${isBounce ? ', a bounce' : ''}`;
}

/** `12:34:56.789` of the day, UTC. */
export function timeOfDay(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(11, 23);
}

function drawGate(gate: GateView, paint: Paint, wiringOf: WiringOf): Cell[][] {
  const { gateId, direction, lane, inputs, outputs, trouble } = gate;
  const faults = lane?.faults ?? [];
  return [
    [{ text: `${gateId} (${direction})`, paint: paint.strong }, { text: `   ${laneInWords(lane)}` }],
    ...(faults.length === 0 ? [] : [[{ text: `  faults: ${faults.join(', ')}`, paint: paint.bad }]]),
    ...(trouble === null ? [] : [[{ text: `  ${trouble}`, paint: paint.bad }]]),
    [{ text: row('input', 'level', 'for', 'changes', 'bounces', ''), paint: paint.dim }],
    ...inputs.map((input) => drawInput(input, paint, wiringOf(gateId, 'inputs', input.name))),
    ...(outputs.length === 0 ? [] : [[{ text: row('output', 'asked', 'for', 'times', '', ''), paint: paint.dim }]]),
    ...outputs.map((output) => drawOutput(output, wiringOf(gateId, 'outputs', output.name))),
  ];
}

function drawInput({ name, active, forMs, changes, bounces }: InputView, paint: Paint, wiring: string): Cell[] {
  const text = row(
    ...[name, active ? 'ACTIVE' : 'clear', spanInWords(forMs)],
    ...[String(changes), bounces === null ? '' : String(bounces), wiring],
  );
  return [active ? { text, paint: paint.good } : { text }];
}

function drawOutput({ name, value, forMs, times }: OutputView, wiring: string): Cell[] {
  return [{ text: row(name, value, forMs === null ? '' : spanInWords(forMs), String(times), '', wiring) }];
}

function row(...cells: readonly string[]): string {
  const [name = '', level = '', span = '', changes = '', bounces = '', wiring = ''] = cells;
  const columns = [name.padEnd(14), level.padEnd(10), span.padStart(9), changes.padStart(9), bounces.padStart(9)];
  return `  ${columns.join('')}  ${wiring}`.trimEnd();
}

const places: Readonly<Record<NonNullable<LaneView['vehicle']>, string>> = {
  first: 'a vehicle on the first loop',
  both: 'a vehicle on both loops',
  last: 'a vehicle on the second loop',
  between: 'a vehicle between the loops',
};

function laneInWords(lane: LaneView | null): string {
  if (lane === null) return 'no agent runs: outputs are not touched';
  const { barrier, mode, vehicle, arrival, passages } = lane;
  const place = vehicle === null ? 'no vehicle' : `${places[vehicle]}${arrival === null ? '' : `, ${arrival}`}`;
  return `arm ${barrier}, ${mode}, ${place}; passed ${String(passages.entry)} in, ${String(passages.exit)} out`;
}

/** Short, and of steady precision, so that a column of them can be read while it changes. */
export function spanInWords(ms: number): string {
  if (ms < 1_000) return `${String(Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${String(minutes)} min ${String(Math.floor(ms / 1_000) % 60)} s`;
  return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}

function moreLines(lines: readonly unknown[], { rows }: Frame): Cell {
  return { text: `… ${String(lines.length - rows + 1)} more lines: make the window larger` };
}

/** Cut before it is painted, so that no colour is left open and none counts as width. */
function drawLine(cells: readonly Cell[], columns: number): string {
  let left = columns;
  return cells
    .map(({ text, paint }) => {
      const cut = text.replace(/\p{Cc}/gu, ' ').slice(0, Math.max(0, left));
      left -= cut.length;
      return paint === undefined || cut === '' ? cut : paint(cut);
    })
    .join('');
}
