/** Reads a recording of lanes: a header, then a line for each happening. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { maxRecordingLineChars, recordingHeaderSchema, recordingLineSchema } from '@gatehouse/edge-agent';
import type { RecordingHeader, RecordingLine } from '@gatehouse/edge-agent';
import { parseValue } from '@gatehouse/shared';

/** Lines of one file, at most. */
const maxLines = 2_000_000;

/** One run of the agent: times of two runs do not compare. */
export interface RecordedRun {
  readonly header: RecordingHeader;
  readonly lines: readonly RecordingLine[];
}

export interface LaneRecording {
  readonly runs: readonly RecordedRun[];
  /** The last line was cut off, as a killed agent leaves it. */
  readonly cutOff: boolean;
}

/** @throws Error naming the line that cannot be used. */
export async function readLaneRecording(path: string): Promise<LaneRecording> {
  const runs: { header: RecordingHeader; lines: RecordingLine[] }[] = [];
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity });
  let number = 0;
  let broken: string | undefined;
  for await (const text of lines) {
    number += 1;
    if (number > maxLines) throw new Error(`${path}: more than ${String(maxLines)} lines`);
    if (text.trim() === '') continue;
    // Only the last line may be broken.
    if (broken !== undefined) throw new Error(broken);
    const where = `${path}, line ${String(number)}`;
    if (text.length > maxRecordingLineChars) throw new Error(`${where}: longer than a line may be`);
    const value = jsonOf(text);
    if (value === undefined) {
      broken = `${where}: is not JSON`;
      continue;
    }
    if (isHeader(value)) {
      runs.push({ header: checked(parseValue(recordingHeaderSchema, value), where), lines: [] });
      continue;
    }
    const line = checked(parseValue(recordingLineSchema, value), where);
    const run = runs.at(-1);
    if (run === undefined) throw new Error(`${where}: a recording begins with its header, {"type":"lane-recording",…}`);
    if (line.type !== 'dropped' && !run.header.gates.some((gate) => gate.gateId === line.gateId)) {
      throw new Error(`${where}: the header has no gate ${line.gateId}`);
    }
    run.lines.push(line);
  }
  if (runs.length === 0) throw new Error(broken ?? `${path}: is empty`);
  return { runs, cutOff: broken !== undefined };
}

function checked<T>(result: { ok: true; value: T } | { ok: false; error: string }, where: string): T {
  if (!result.ok) throw new Error(`${where}: ${result.error}`);
  return result.value;
}

function isHeader(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'lane-recording';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
