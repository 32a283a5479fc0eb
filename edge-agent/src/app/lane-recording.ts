/** Records what happens to the lanes, so that it can be replayed (recording-format.ts says how it is written). */
import type { Random } from '@gatehouse/shared/edge';
import type { LaneState } from '../domain/lane/state.js';
import type { LaneHappening } from '../domain/lane/vocabulary.js';
import type { RecordingPort } from './ports.js';
import { createAliases } from './recording-aliases.js';
import type { RecordingHeader, RecordingLine } from './recording-format.js';
import type { GateSettings } from './settings.js';
import { agentVersion } from './version.js';

/** Characters of a driver's words that are kept. */
const maxDetailChars = 1_000;

export interface LaneRecording {
  start(): Promise<void>;
  /** `after`: the lane as the happening left it. Neither waits nor throws. */
  happened(gateId: string, happening: LaneHappening, after: LaneState): void;
  stop(): Promise<void>;
}

/** Of the bytes allowed, half are in the file that is written, half in the one before it. */
export function createLaneRecording(
  { sink, maxBytes, origin }: RecordingPort,
  gates: readonly GateSettings[],
  random: Random,
): LaneRecording {
  const aliasOf = createAliases(random);
  const encoder = new TextEncoder();
  const lanes = new Map<string, LaneState>();
  const header: RecordingHeader = {
    type: 'lane-recording',
    version: 1,
    origin,
    agentVersion,
    gates: gates.map(({ gateId, direction, hasReader, lane }) => ({ gateId, direction, hasReader, lane })),
  };
  let fileBytes = 0;
  let dropped = 0;

  const append = (line: RecordingHeader | RecordingLine): void => {
    const text = `${JSON.stringify(line)}\n`;
    if (sink.append(text)) fileBytes += encoder.encode(text).length;
    else dropped += 1;
  };
  const write = (line: RecordingLine): void => {
    const bytes = encoder.encode(JSON.stringify(line)).length + 1;
    if (fileBytes + bytes > maxBytes / 2) beginFile();
    if (dropped > 0) {
      const lines = dropped;
      dropped = 0;
      append({ type: 'dropped', lines });
      // It was refused as well.
      if (dropped > 0) dropped = lines;
    }
    append(line);
  };
  /** A file is understood without the one before it: it begins with what every input is now. */
  const beginFile = (): void => {
    sink.nextFile();
    fileBytes = 0;
    append(header);
    for (const [gateId, state] of lanes) append(startOf(gateId, state));
  };

  return {
    async start() {
      fileBytes = await sink.start();
      append(header);
    },
    happened(gateId, happening, after) {
      if (happening.type !== 'time-passed') write(lineOf(gateId, happening, aliasOf));
      lanes.set(gateId, after);
    },
    stop: () => sink.stop(),
  };
}

function startOf(gateId: string, { nowMs, inputs, orders, nextArrivalId }: LaneState): RecordingLine {
  const levels = Object.fromEntries(Object.entries(inputs).map(([input, { active }]) => [input, active]));
  return { type: 'started', gateId, atMs: nowMs, levels, mode: orders.mode, nextArrivalId };
}

function lineOf(
  gateId: string,
  happening: Exclude<LaneHappening, { type: 'time-passed' }>,
  aliasOf: ReturnType<typeof createAliases>,
): RecordingLine {
  switch (happening.type) {
    case 'started': {
      const { levels, former, ...rest } = happening;
      const start = { ...rest, gateId, levels: Object.fromEntries(levels) };
      if (former === undefined) return start;
      const { credential } = former;
      return { ...start, former: { ...former, credential: credential === null ? null : aliasOf(credential) } };
    }
    case 'read': {
      const { credential, trackId } = happening;
      const read = { ...happening, gateId, credential: aliasOf(credential) };
      if (trackId === undefined) return read;
      // Nobody knows what a reader makes its names of.
      return { ...read, trackId: aliasOf({ kind: 'tag', value: trackId, source: 'track', confidence: 1 }).value };
    }
    case 'command':
      // Who gave it is nobody's business here.
      return { ...happening, gateId, by: 'operator' };
    case 'trouble':
      return { ...happening, gateId, detail: happening.detail.slice(0, maxDetailChars) };
    default:
      return { ...happening, gateId };
  }
}
