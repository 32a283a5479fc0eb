/** Assembles an edge agent out of its ports and runs it. */
import { credentialSchema, parseValue } from '@gatehouse/shared/edge';
import type { EdgeState } from '@gatehouse/shared/edge';
import type { LaneState } from '../domain/lane/state.js';
import type { LaneEvent } from '../domain/lane/vocabulary.js';
import { createAdmission } from './admission.js';
import type { Admission } from './admission.js';
import { createCommandDesk } from './command-desk.js';
import type { CommandDesk } from './command-desk.js';
import { createEpochKeeper } from './epoch-keeper.js';
import type { EpochKeeper } from './epoch-keeper.js';
import { logFault } from './fault-log.js';
import { formerVehicles } from './former-vehicles.js';
import { createInbox } from './inbox.js';
import { draftOf, oneEvent } from './lane-events.js';
import { createLaneRecording } from './lane-recording.js';
import { barrierOf, createLaneRunner } from './lane-runner.js';
import type { LaneRunner } from './lane-runner.js';
import { createLeaveTaking } from './leave-taking.js';
import type { LeaveTaking } from './leave-taking.js';
import { createLogReporter } from './log-reporter.js';
import type { LogReporter } from './log-reporter.js';
import type { BarrierDriver, CredentialRead, EdgeAgentPorts } from './ports.js';
import { formerArrivals, formerNotesForNewEpoch, modeNoteName, modeOfNote, recoveryDrafts } from './recovery.js';
import type { FormerArrival } from './recovery.js';
import { Recorder } from './recorder.js';
import type { EventStamp } from './draft.js';
import { silentObserver } from './observer.js';
import type { EdgeObserver } from './observer.js';
import { createOutboxAge } from './outbox-age.js';
import { createRepetition } from './repetition.js';
import type { Repetition } from './repetition.js';
import { Replicator } from './replicator.js';
import { bootIdOfLink, createStatePublisher, onlineState, tellsApart } from './state-publisher.js';
import type { StatePublisher } from './state-publisher.js';
import type { EdgeSettings, GateSettings } from './settings.js';
import type { EdgeStatus } from './status.js';
import { createStopping } from './stopping.js';
import { createTally, gateStatusOf, outboxStatusOf } from './tally.js';
import type { Tally } from './tally.js';
import { agentVersion } from './version.js';
import { createWallWatch } from './wall-watch.js';
import type { WallWatch } from './wall-watch.js';

export interface EdgeAgent {
  /** Opens the outbox, starts the barriers and readers, begins to connect. Rejects if the outbox cannot be opened. */
  start(): Promise<void>;
  /**
   * Decides about nobody any more, and waits until no vehicle is on its way through and no arm is moving, at most
   * `restart.laneClearTimeoutMs`. To be followed by `stop`. May be called twice.
   */
  leave(): Promise<void>;
  /** Says farewell and puts outputs to their safe level, within a few seconds. May be called twice. */
  stop(): Promise<void>;
  status(): EdgeStatus;
}

/** @throws RangeError if a gate has no barrier. */
export function createEdgeAgent(
  ports: EdgeAgentPorts,
  settings: EdgeSettings,
  observer: EdgeObserver = silentObserver,
): EdgeAgent {
  return new RunningAgent(ports, settings, observer);
}

class RunningAgent implements EdgeAgent {
  readonly #ports: EdgeAgentPorts;
  readonly #settings: EdgeSettings;
  readonly #instance: string;
  readonly #tally: Tally;
  readonly #recording: ReturnType<typeof createLaneRecording> | undefined;
  readonly #lanes: ReadonlyMap<string, LaneRunner>;
  readonly #recorder: Recorder;
  readonly #leaveTaking: LeaveTaking;
  readonly #outboxAge: () => number | null | undefined;
  readonly #replicator: Replicator;
  readonly #admission: Admission;
  readonly #commands: CommandDesk;
  readonly #epochs: EpochKeeper;
  readonly #state: StatePublisher;
  readonly #inbox: ReturnType<typeof createInbox>;
  readonly #log: LogReporter | undefined;
  readonly #wallWatch: WallWatch;
  readonly #trimming: Repetition;
  /** Some of them may not be told of yet, while the outbox fails. */
  #former: readonly FormerArrival[] = [];
  #startedMs = 0;
  #linkUp = false;
  #downReason: string | null = 'not connected yet';
  #running = false;
  #stopping: Promise<void> | undefined;

  constructor(ports: EdgeAgentPorts, settings: EdgeSettings, observer: EdgeObserver) {
    const { logger, linkClock, link, random } = ports;
    this.#ports = ports;
    this.#settings = settings;
    this.#tally = createTally(observer);
    this.#instance = random.hex(16);
    this.#recording = ports.recording && createLaneRecording(ports.recording, settings.gates, random);
    this.#lanes = new Map(settings.gates.map((gate) => [gate.gateId, this.#lane(gate, barrierOf(ports, gate))]));
    this.#recorder = new Recorder(
      { ...ports, store: ports.outbox, stamp: () => this.#stamp(ports.clock.monoMs()) },
      settings.outbox,
      {
        onCommitted: (durationMs, events) => {
          // First: a vehicle waits for the answer.
          this.#replicator.send();
          this.#tally.committed(durationMs, events);
        },
        onLost: (events) => {
          this.#tally.count('eventsLost', events);
        },
        onFailure: () => {
          this.#admission.decideAllAlone();
          this.#state.changed();
        },
        onRecovered: () => {
          logger.info({}, 'the outbox takes events again');
          this.#replicator.send();
          this.#state.changed();
        },
      },
    );
    const { laneClearTimeoutMs } = settings.restart;
    this.#leaveTaking = createLeaveTaking({ lanes: this.#lanes, laneClearTimeoutMs, linkClock, logger });
    this.#outboxAge = createOutboxAge({ ...ports, recorder: this.#recorder });
    this.#epochs = createEpochKeeper({
      ...ports,
      settings: settings.protocol,
      recorder: this.#recorder,
      notes: (epoch, seqOf) => this.#notesForNewEpoch(epoch, seqOf),
      hold: () => {
        this.#replicator.hold();
        this.#admission.discardAllowance();
      },
      begun: () => {
        this.#tally.count('epochsBegun');
        this.#state.publishNow();
        this.#replicator.reset();
      },
    });
    this.#replicator = new Replicator(
      {
        ...ports,
        recorder: this.#recorder,
        instance: this.#instance,
        waiting: () => this.#admission.waiting(),
        onFork: (cause) => {
          this.#epochs.begin(cause);
        },
        onProgress: () => {
          this.#epochs.acknowledged();
        },
      },
      settings.protocol,
    );
    this.#admission = createAdmission({
      ports,
      settings,
      recorder: this.#recorder,
      lanes: this.#lanes,
      tally: this.#tally,
      canAsk: () => link.isUp && this.#linkUp && !this.#replicator.hasBacklog,
      stamp: () => this.#stamp(ports.clock.monoMs()),
      onAllowanceChanged: () => {
        this.#state.changed();
      },
    });
    this.#commands = createCommandDesk({
      ...ports,
      recorder: this.#recorder,
      lanes: this.#lanes,
      stamp: () => this.#stamp(ports.clock.monoMs()),
    });
    this.#state = createStatePublisher({
      ...ports,
      settings: settings.protocol,
      state: () => this.#onlineState(),
    });
    this.#log = ports.log && createLogReporter({ ...ports, lines: ports.log, instance: this.#instance });
    this.#inbox = createInbox(
      this.#instance,
      {
        ack: (ack) => {
          this.#replicator.acknowledged(ack);
        },
        decision: (decision) => {
          this.#admission.decided(decision);
        },
        command: (command) => {
          this.#commands.receive(command);
        },
        allowance: (allowance) => {
          this.#admission.offered(allowance);
        },
        logRequest: (request) => {
          this.#log?.requested(request);
        },
      },
      this.#tally,
      logger,
    );
    this.#wallWatch = createWallWatch(ports, settings.protocol.stateIntervalMs, (toEvent) => {
      const event = toEvent(this.#stamp(ports.clock.monoMs()));
      this.#recorder.record({ kind: event.kind, loss: oneEvent, event: () => event });
      this.#state.changed();
    });
    this.#trimming = createRepetition(linkClock, settings.outbox.trimIntervalMs, () => {
      this.#recorder.trim();
    });
  }

  async start(): Promise<void> {
    const { random, link, logger } = this.#ports;
    const snapshot = await this.#recorder.open(random.hex(16));
    this.#startedMs = this.#ports.linkClock.monoMs();
    this.#running = true;
    if (snapshot.damaged !== null) logger.error({ damage: snapshot.damaged }, 'the outbox was damaged and begun anew');
    // First of all: what the former run left open.
    this.#former = formerArrivals(snapshot);
    const former = { ...this.#ports, settings: this.#settings, read: (seq: number) => this.#recorder.read(seq, 1, 1) };
    const atTheGates = await formerVehicles(snapshot, former);
    for (const draft of recoveryDrafts(snapshot, () => this.#stamp(this.#ports.clock.monoMs()), atTheGates)) {
      this.#recorder.record(draft);
    }
    // Losses of the former run are told with whatever is written next.
    if (snapshot.lost.events > 0) this.#recorder.record({ kind: 'notes' });
    await this.#recorder.flushed();
    this.#admission.restore(snapshot.damaged === null ? snapshot.notes : new Map());
    this.#replicator.reset();
    await this.#recording?.start();
    const startLane = (lane: LaneRunner) =>
      lane.start(modeOfNote(snapshot.notes, lane.gateId), atTheGates.get(lane.gateId));
    await Promise.all([...this.#lanes.values()].map(startLane));
    await Promise.all(
      this.#ports.readers.map((reader) =>
        reader.start((read) => {
          this.#read(read);
        }),
      ),
    );
    this.#wallWatch.start();
    this.#trimming.start();
    const will = JSON.stringify({ presence: 'offline', instance: this.#instance } satisfies EdgeState);
    await link.start(
      {
        onUp: () => {
          this.#linkChanged(true, null);
        },
        onDown: (reason) => {
          this.#linkChanged(false, reason);
        },
        onMessage: (channel, payload) => {
          if (this.#running) this.#inbox(channel, payload);
        },
      },
      will,
    );
  }

  leave(): Promise<void> {
    this.#admission.leave();
    return this.#running ? this.#leaveTaking.wait() : Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#trimming.stop();
    this.#wallWatch.stop();
    this.#admission.stop();
    this.#epochs.stop();
    this.#replicator.stop();
    this.#state.stop();
    this.#log?.stop();
    const lanes = [...this.#lanes.values()];
    const safely = createStopping(this.#ports.logger);
    await safely('reader', ...this.#ports.readers.map((reader) => reader.stop()));
    await safely('barrier', ...lanes.map((lane) => lane.stop()));
    await this.#recording?.stop();
    const farewell = JSON.stringify({ presence: 'offline', instance: this.#instance } satisfies EdgeState);
    await safely('link', this.#ports.link.stop(farewell));
    await safely('outbox', this.#recorder.close());
  }

  status(): EdgeStatus {
    const view = this.#recorder.view;
    const replicator = this.#replicator.counters;
    return {
      siteId: this.#settings.siteId,
      edgeId: this.#settings.edgeId,
      instance: this.#instance,
      version: agentVersion,
      running: this.#running,
      uptimeMs: this.#running ? this.#ports.linkClock.monoMs() - this.#startedMs : 0,
      link: { up: this.#linkUp, downReason: this.#downReason },
      outbox: outboxStatusOf(view, this.#outboxAge() ?? null),
      faults: this.#edgeFaults(),
      allowance: this.#admission.allowance(),
      gates: this.#gates(),
      lastDecisionMs: this.#tally.lastDecisionMs,
      lastCommitMs: this.#tally.lastCommitMs,
      counters: {
        ...this.#tally.counters(),
        batchesPublished: replicator.published,
        batchesResent: replicator.resent,
        acksApplied: replicator.acksApplied,
      },
    };
  }

  // -------------------------------------------------------------- lanes

  #lane(gate: GateSettings, driver: BarrierDriver): LaneRunner {
    const { gateId } = gate;
    const ports = { ...this.#ports, recording: this.#recording };
    return createLaneRunner(gate, driver, ports, {
      onEvent: (event, atMs) => {
        this.#laneEvent(gateId, event, atMs);
      },
      onAskDecision: (arrivalId) => {
        this.#admission.ask(gateId, arrivalId);
      },
      onCommandAnswer: (commandId, result, detail) => {
        this.#commands.answered(commandId, result, detail);
      },
      onOpenRequested: () => {
        this.#tally.count('openRequests');
      },
      onChanged: (before, after) => {
        this.#laneChanged(gateId, before, after);
      },
      onDropped: () => {
        this.#tally.count('inputsDropped');
      },
    });
  }

  #laneEvent(gateId: string, event: LaneEvent, atMs: number): void {
    this.#tally.happened(gateId, event);
    logFault(this.#ports.logger, gateId, event);
    const epoch = (): string => this.#recorder.view.epoch;
    const draft = draftOf(event, { ...this.#ports, gateId, stamp: this.#stamp(atMs), epoch });
    this.#recorder.record(this.#admission.guard(gateId, event, draft));
  }

  #laneChanged(gateId: string, before: LaneState, after: LaneState): void {
    if (before.orders.mode !== after.orders.mode) {
      const notes = new Map([[modeNoteName(gateId), after.orders.mode === 'automatic' ? null : after.orders.mode]]);
      this.#recorder.record({ kind: 'notes', notes: () => notes });
    }
    this.#admission.laneChanged(gateId, before, after);
    if (tellsApart(before, after)) this.#state.changed();
    this.#leaveTaking.laneChanged();
  }

  #read(read: CredentialRead): void {
    const credential = parseValue(credentialSchema, read.credential);
    const lane = this.#lanes.get(read.gateId);
    if (credential.ok && lane !== undefined) {
      this.#ports.log?.conceal(credential.value.value);
      lane.read({ ...read, credential: credential.value });
      return;
    }
    this.#tally.count('inputsDropped');
    const error = credential.ok ? 'there is no such gate here' : credential.error;
    this.#ports.logger.warn({ gateId: read.gateId, error }, 'a read was refused');
  }

  // -------------------------------------------------------------- the link

  #linkChanged(up: boolean, reason: string | null): void {
    this.#linkUp = up;
    this.#downReason = reason;
    if (up) {
      this.#state.linkUp();
      this.#replicator.linkUp();
    } else {
      this.#ports.logger.warn({ reason, allowance: this.#admission.allowance() }, 'the link is down');
      this.#replicator.linkDown();
      this.#log?.linkDown();
      this.#admission.decideAllAlone();
    }
  }

  #gates(): EdgeStatus['gates'] {
    return [...this.#lanes.values()].map((lane) =>
      gateStatusOf(lane, this.#ports.clock.monoMs(), this.#tally, (name) => this.#recorder.arrivalSeq(name) ?? null),
    );
  }

  #onlineState(): EdgeState {
    return onlineState({
      instance: this.#instance,
      outbox: this.#recorder.view,
      outboxOldestAgeMs: this.#outboxAge(),
      lastDecisionMs: this.#tally.lastDecisionMs,
      clock: this.#ports.clock,
      linkClock: this.#ports.linkClock,
      bootId: bootIdOfLink(this.#ports),
      allowanceVersion: this.#admission.allowance().version,
      faults: this.#edgeFaults(),
      gates: this.#gates(),
    });
  }

  // -------------------------------------------------------------- the whole edge

  #notesForNewEpoch(epoch: string, seqOf: (oldSeq: number) => number | undefined): ReadonlyMap<string, string | null> {
    const seqNow = (name: string): number | undefined => this.#recorder.arrivalSeq(name);
    const former = formerNotesForNewEpoch(this.#former, epoch, seqNow, seqOf);
    return new Map([...this.#admission.notesForNewEpoch(epoch, seqOf), ...former]);
  }

  #edgeFaults(): EdgeStatus['faults'] {
    const { failing } = this.#recorder.view;
    return [...(failing === null ? [] : [failing]), ...(this.#wallWatch.jumped ? (['clock-jumped'] as const) : [])];
  }

  #stamp(monoMs: number): EventStamp {
    const { clock, bootId } = this.#ports;
    const agoMs = Math.max(0, clock.monoMs() - monoMs);
    return {
      atMs: Math.max(0, Math.floor(clock.wallMs() - agoMs)),
      monoMs: Math.max(0, Math.floor(monoMs)),
      bootId,
    };
  }
}
