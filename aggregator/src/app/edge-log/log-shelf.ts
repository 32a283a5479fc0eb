/** The last log lines of each edge, in memory. Bounded a line count an edge, and in all by characters: the edge that was quiet longest gives way. */
import type { LogLine, LogReport } from '@gatehouse/shared';
import { plainText, wireLimits } from '@gatehouse/shared';

export interface ShelvedLine extends LogLine {
  readonly instance: string;
  readonly receivedAtMs: number;
  /** Rises with each line of the edge, over its starts. */
  readonly order: number;
}

export interface LogShelf {
  /** Takes what is new in it; answers those lines. */
  put(edgeId: string, report: LogReport, receivedAtMs: number): readonly LogLine[];
  /** Oldest first. */
  lines(edgeId: string): readonly ShelvedLine[];
  /** The number of the last line of this instance; 0 when there is none. */
  lastNumber(edgeId: string, instance: string): number;
}

export interface LogShelfSettings {
  readonly logLines: number;
  readonly logChars: number;
}

interface EdgeLines {
  lines: ShelvedLine[];
  chars: number;
  instance: string;
  lastNumber: number;
  order: number;
}

export function createLogShelf({ logLines, logChars }: LogShelfSettings): LogShelf {
  /** The one that told something last comes last. */
  const edges = new Map<string, EdgeLines>();
  let chars = 0;

  const shorten = (edge: EdgeLines, keep: number): void => {
    while (edge.lines.length > keep) {
      const gone = charsOf(edge.lines.shift());
      edge.chars -= gone;
      chars -= gone;
    }
  };

  const makeRoom = (): void => {
    for (const [edgeId, edge] of edges) {
      if (chars <= logChars) return;
      if (edges.size > 1) {
        shorten(edge, 0);
        edges.delete(edgeId);
      } else while (chars > logChars) shorten(edge, edge.lines.length - 1);
    }
  };

  return {
    put(edgeId, report, receivedAtMs) {
      const { instance } = report;
      const edge = edges.get(edgeId) ?? { lines: [], chars: 0, instance, lastNumber: 0, order: 0 };
      if (edge.instance !== instance) Object.assign(edge, { instance, lastNumber: 0 });
      edges.delete(edgeId);
      edges.set(edgeId, edge);
      const added: LogLine[] = [];
      for (const line of report.lines) {
        if (line.number <= edge.lastNumber) continue;
        edge.lastNumber = line.number;
        edge.order += 1;
        const shelved = { ...plainLine(line), instance, receivedAtMs, order: edge.order };
        edge.lines.push(shelved);
        edge.chars += charsOf(shelved);
        chars += charsOf(shelved);
        added.push(line);
      }
      shorten(edge, logLines);
      makeRoom();
      return added;
    },
    lines: (edgeId) => edges.get(edgeId)?.lines ?? [],
    lastNumber(edgeId, instance) {
      const edge = edges.get(edgeId);
      return edge?.instance === instance ? edge.lastNumber : 0;
    },
  };
}

/** An edge may be anybody’s program: what is shown to people holds nothing that moves a cursor or hides a text. */
function plainLine(line: LogLine): LogLine {
  const plain = (text: string): string => plainText(text, wireLimits.maxTextChars);
  const fields = Object.entries(line.fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? plain(value) : value,
  ]);
  return { ...line, message: plain(line.message), fields: Object.fromEntries(fields) as LogLine['fields'] };
}

/** As JSON, what every line has counted in one sum. */
function charsOf(line: ShelvedLine | undefined): number {
  if (line === undefined) return 0;
  return fixedChars + line.message.length + JSON.stringify(line.fields).length;
}
const fixedChars = 256;
