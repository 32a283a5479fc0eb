/** Runs one world from its scenario to the verdict of its auditor. */
import { createSeededRandom } from '../random.js';
import type { Auditor, FaultKind, Finding, Happening, Witnessed } from './happenings.js';
import { createWorld } from './world.js';
import type { World } from './world.js';
import type { Scenario } from './scenario.js';
import type { CreatePeople } from './operator-desk.js';
import type { CreateStreet } from './street-port.js';
import { createTimeline } from './timeline.js';
import type { Timeline } from './timeline.js';
import { createTrace } from './trace.js';
import { watchPrograms } from './watch-programs.js';

const lookEveryMs = 5_000;
/** Longer than anything waits that is tried again without being asked. */
const quietForMs = 65_000;

export interface WorldParts {
  readonly createStreet: CreateStreet;
  readonly createPeople: CreatePeople;
  readonly createAuditor: (scenario: Scenario) => Auditor;
}

export interface WorldOptions {
  readonly scenario: Scenario;
  readonly parts: WorldParts;
  readonly writeTrace?: (text: string) => void;
  /** Ends it between two moments; it has no result then. */
  readonly signal?: AbortSignal;
}

export interface WorldResult {
  readonly findings: readonly Finding[];
  readonly passages: number;
  readonly simulatedMs: number;
  readonly happenings: number;
  /** Timers that fired. */
  readonly steps: number;
  /** Faults that came, by kind. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Empty when every promise was kept. */
  readonly lastLines: readonly string[];
}

/** Rejects with the reason of `signal` when that ended it. */
export async function runWorld({ scenario, parts, writeTrace, signal }: WorldOptions): Promise<WorldResult> {
  const timeline = createTimeline();
  const trace = createTrace(writeTrace);
  const auditor = parts.createAuditor(scenario);
  const counts = new Map<FaultKind, number>();
  const mistakes: Finding[] = [];
  const noteMistake = (detail: string): void => {
    mistakes.push({ promise: 'program-failed', atMs: timeline.nowMs, detail });
  };
  const watch = watchPrograms(noteMistake);
  let seq = 0;
  const tell = (happening: Happening): void => {
    seq += 1;
    if (happening.type === 'fault') counts.set(happening.kind, (counts.get(happening.kind) ?? 0) + 1);
    const witnessed: Witnessed = { seq, atMs: timeline.nowMs, happening };
    trace.take(witnessed);
    auditor.onHappening(witnessed);
  };
  const world = createWorld({
    scenario,
    timeline,
    tell,
    random: (name) => createSeededRandom(scenario.seed, name),
    createStreet: parts.createStreet,
    createPeople: parts.createPeople,
    logger: watch.logger,
  });
  const isOver = (): boolean => mistakes.length + auditor.findings.length > 0 || signal?.aborted === true;
  watch.start();
  try {
    await live(world, scenario, timeline, tell, isOver);
  } catch (error) {
    noteMistake(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    watch.end();
  }
  signal?.throwIfAborted();
  if (!isOver()) auditor.onDrained(timeline.nowMs);
  trace.end();
  const findings = [...mistakes, ...auditor.findings];
  return {
    findings,
    passages: world.street.passages,
    simulatedMs: timeline.nowMs,
    happenings: seq,
    steps: timeline.fired,
    faults: Object.fromEntries([...counts, ...world.street.mischief]),
    lastLines: findings.length > 0 ? trace.last(60) : [],
  };
}

async function live(
  world: World,
  scenario: Scenario,
  timeline: Timeline,
  tell: (happening: Happening) => void,
  isOver: () => boolean,
): Promise<void> {
  const phases: readonly (readonly [begin: () => void, durationMs: number])[] = [
    [world.start, scenario.warmUpMs],
    [world.beginTrouble, scenario.troubleMs],
    [
      () => {
        world.endTrouble();
        tell({ type: 'faults-end' });
      },
      scenario.calmMs,
    ],
    [
      () => {
        world.street.close();
        tell({ type: 'street-closed' });
      },
      0,
    ],
  ];
  for (const [begin, durationMs] of phases) {
    begin();
    await timeline.run(timeline.nowMs + durationMs, isOver);
    if (isOver()) return;
  }
  await drain(world, scenario.drainMs, timeline, isOver);
}

/** Until everything has been quiet for a while, or the time is over. */
async function drain(world: World, drainMs: number, timeline: Timeline, isOver: () => boolean): Promise<void> {
  const untilMs = timeline.nowMs + drainMs;
  let quietMs = 0;
  while (timeline.nowMs < untilMs && quietMs < quietForMs && !isOver()) {
    await timeline.run(Math.min(untilMs, timeline.nowMs + lookEveryMs), isOver);
    quietMs = world.isQuiet ? quietMs + lookEveryMs : 0;
  }
}
