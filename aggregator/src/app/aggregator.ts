/** The aggregator, assembled: what its HTTP surface, its main program and the simulators use. */
import type { SiteState } from '../domain/engine.js';
import type { AccessListStatus } from './access-list/access-lists.js';
import { assemble } from './assembly.js';
import type { CommandRequest } from './commands.js';
import type { Committer, Turn } from './committer.js';
import type { Directory } from './directory.js';
import { edgeStatusOf } from './edge-status.js';
import type { EdgeStatusView } from './edge-status.js';
import type { ShelvedLine } from './edge-log/log-shelf.js';
import type { AggregatorObserver } from './observer.js';
import { silentObserver } from './observer.js';
import type { AggregatorPorts, AggregatorStore, CommandRow, NoticeRow } from './ports.js';
import type { AggregatorSettings } from './settings.js';
import { withinMs } from './within.js';

export type { CommandRequest } from './commands.js';
export type { EdgeStatusView } from './edge-status.js';
export type { ShelvedLine } from './edge-log/log-shelf.js';

export interface AggregatorHealth {
  /** Started, loaded, and the store took the last commit. */
  readonly ready: boolean;
  readonly storeOk: boolean;
  /** Code of the store's last error while it is failing. */
  readonly storeError: string | null;
  readonly linkOk: boolean;
  readonly pendingOperations: number;
  readonly pendingBatches: number;
  readonly pendingPublishes: number;
  /** Messages dropped since the start, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly quarantined: number;
  readonly edgesOnline: number;
}

export interface Aggregator {
  /** Opens the store, loads it, and starts listening. Rejects with a StoreError, or what the link rejects with. */
  start(): Promise<void>;
  /** Finishes the running commit, then gives link and store up. Bounded by `stopTimeoutMs`; may be called twice. */
  stop(): Promise<void>;
  readonly committer: Committer;
  readonly directory: Directory;
  /** For reads only. */
  readonly store: AggregatorStore;
  site(siteId: string): SiteState | undefined;
  siteIds(): string[];
  edgeStatus(edgeId: string): EdgeStatusView | undefined;
  /**
   * The last log lines of an edge, oldest first, once it was asked for more: waits two seconds for its answer at most, and not at all for
   * an edge that is away. `upToDate`: it answered.
   */
  edgeLog(edgeId: string): Promise<{ readonly lines: readonly ShelvedLine[]; readonly upToDate: boolean }>;
  /** How long the list is that entries of the site get for when they are cut off. */
  accessListStatus(siteId: string): AccessListStatus;
  /**
   * Asks a gate for something; resolves when the command is stored, before the gate answers.
   * Rejects with Refusal `site-unknown`, `gate-unknown` or `gate-offline`, and with what `Committer.execute` rejects with.
   */
  sendCommand(request: CommandRequest): Promise<CommandRow>;
  /** The same within a turn: stored with whatever else the turn changes, sent after its commit. */
  issueCommand(turn: Turn, request: CommandRequest): CommandRow;
  /** The command as a person should see it: `expired` when its deadline passed without an answer. */
  commandView(row: CommandRow): CommandRow;
  /** Calls `listener` with each commit's notices, after it. Answers a function that ends it. */
  onNotices(listener: (rows: readonly NoticeRow[]) => void): () => void;
  health(): AggregatorHealth;
}

export function createAggregator(
  ports: AggregatorPorts,
  settings: AggregatorSettings,
  observer: AggregatorObserver = silentObserver,
): Aggregator {
  const parts = assemble(ports, settings, observer);
  const { memory, operations, loop } = parts;
  let isStarted = false;
  let stopping: Promise<void> | null = null;

  const start = async (): Promise<void> => {
    await ports.store.open();
    try {
      await parts.runner.reload();
      await ports.link.start(parts.receiver.onMessage);
    } catch (error) {
      await ports.store.close();
      throw error;
    }
    parts.upkeep.start();
    isStarted = true;
    loop.kick();
  };

  const stop = async (): Promise<void> => {
    isStarted = false;
    parts.upkeep.stop();
    parts.planner.stop();
    operations.close();
    const { linkClock } = parts;
    const bound = settings.stopTimeoutMs;
    if (!(await withinMs(linkClock, bound, loop.stop()))) {
      ports.logger.warn({ stopTimeoutMs: bound }, 'the running commit did not end in time');
    }
    await parts.publisher.stop(bound);
    if (!(await withinMs(linkClock, bound, ports.link.stop())))
      ports.logger.warn({}, 'the broker did not stop in time');
    if (!(await withinMs(linkClock, bound, ports.store.close())))
      ports.logger.warn({}, 'the store did not close in time');
  };

  return {
    start,
    stop: () => (stopping ??= stop()),
    committer: operations.committer,
    directory: memory.directory,
    store: ports.store,
    site: (siteId) => memory.sites.get(siteId),
    siteIds: () => [...memory.sites.keys()],
    edgeStatus(edgeId) {
      const view = parts.views.of(edgeId);
      return view === undefined ? undefined : edgeStatusOf(memory.directory, view, memory.sites.get(view.siteId));
    },
    async edgeLog(edgeId) {
      const view = parts.views.of(edgeId);
      const upToDate = view !== undefined && (await parts.logs.refresh(view));
      return { lines: parts.logs.lines(edgeId), upToDate };
    },
    accessListStatus: (siteId) => parts.accessLists.status(siteId),
    sendCommand: (request) => parts.commands.send(request),
    issueCommand: (turn, request) => parts.commands.issue(turn, request),
    commandView: (row) => parts.commands.view(row),
    onNotices: (listener) => parts.onNotices(listener),
    health() {
      const { storeError } = loop;
      const storeOk = storeError === null && !parts.runner.mustReload;
      return {
        ready: isStarted && storeOk,
        storeOk,
        storeError: storeError?.code ?? null,
        linkOk: ports.link.status().connected,
        pendingOperations: operations.pending,
        pendingBatches: parts.inbox.pendingBatches,
        pendingPublishes: parts.publisher.pending,
        dropped: Object.fromEntries(parts.counts.dropped),
        quarantined: parts.counts.quarantined,
        edgesOnline: [...parts.views.all()].filter(({ presence }) => presence === 'online').length,
      };
    },
  };
}
