/**
 * An edge with nothing in it: it says on the wire what an agent would say of vehicles, keeps its events in memory, and tells how long
 * a decision took to come.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { canonicalJson, edgeTopic, nextHashOfText } from '@gatehouse/shared';
import type { Ack, Decision, Direction, EdgeEvent, EventBatch, OnlineState, SlotClass } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { connectClient } from '../../bare-mqtt/client.js';
import type { BareClient } from '../../bare-mqtt/client.js';

export interface BareEdgeOptions {
  readonly port: number;
  readonly siteId: string;
  readonly edgeId: string;
  readonly password: string;
  readonly gates: readonly { readonly gateId: string; readonly direction: Direction }[];
}

/** What the edge has written: another connection goes on from it. */
export interface Outbox {
  readonly epoch: string;
  next: number;
  hash: string;
}

export interface Answered {
  readonly seq: number;
  readonly decision: Decision;
  /** From the publish of the arrival to its decision. */
  readonly durationMs: number;
}

export interface BareEdge {
  /** A vehicle presents itself; resolves with the decision. */
  arrive(gateId: string, plate: string, vehicleClass?: SlotClass): Promise<Answered>;
  /** It went through; resolves when that is stored. */
  pass(gateId: string, answered: Answered): Promise<unknown>;
  end(): void;
}

const answerTimeoutMs = 30_000;
const stateIntervalMs = 10_000;

/** Resolves when the broker has taken its subscription; its state is on the way then. @throws Error when it is refused */
export async function connectBareEdge(options: BareEdgeOptions, outbox: Outbox): Promise<BareEdge> {
  const { siteId, edgeId } = options;
  const instance = randomBytes(16).toString('hex');
  const bootId = randomBytes(16).toString('hex');
  const directions = new Map(options.gates.map(({ gateId, direction }) => [gateId, direction]));
  const deciding = new Map<number, { sentMs: number; resolve: (answered: Answered) => void }>();
  const storing = new Map<number, () => void>();
  const topic = (channel: 'state' | 'events' | 'acks' | 'decisions'): string => edgeTopic(siteId, edgeId, channel);

  const onDecision = (decision: Decision): void => {
    const asked = deciding.get(decision.arrival);
    if (asked === undefined || decision.instance !== instance) return;
    deciding.delete(decision.arrival);
    asked.resolve({ seq: decision.arrival, decision, durationMs: performance.now() - asked.sentMs });
  };
  const onAck = (ack: Ack): void => {
    if (ack.instance !== instance || ack.epoch !== outbox.epoch) return;
    if (ack.conflict !== null) throw new Error(`${edgeId}: the aggregator refuses its history: ${ack.conflict}`);
    for (const [seq, resolve] of storing) {
      if (seq > ack.upTo) continue;
      storing.delete(seq);
      resolve();
    }
  };
  const client: BareClient = await connectClient(
    { host: '127.0.0.1', port: options.port },
    { clientId: edgeId, username: edgeId, password: options.password },
    [topic('acks'), topic('decisions')],
    (name, payload) => {
      if (name === topic('decisions')) onDecision(JSON.parse(payload.toString()) as Decision);
      else onAck(JSON.parse(payload.toString()) as Ack);
    },
  );
  const send = (channel: 'state' | 'events', message: unknown): void => {
    client.publish(topic(channel), Buffer.from(JSON.stringify(message)));
  };
  const happened = (): { atMs: number; monoMs: number; bootId: string } => ({
    atMs: Date.now(),
    monoMs: Math.floor(performance.now()),
    bootId,
  });
  const write = (event: EdgeEvent, isWaiting: boolean): number => {
    const seq = outbox.next;
    const batch: EventBatch = {
      instance,
      epoch: outbox.epoch,
      first: seq,
      prevHash: outbox.hash,
      waiting: isWaiting ? [seq] : [],
      events: [event],
    };
    outbox.next += 1;
    outbox.hash = nextHashOfText(sha256, outbox.hash, canonicalJson(event));
    send('events', batch);
    return seq;
  };
  const within = <T>(what: string, begin: (resolve: (value: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${edgeId}: ${what}: not within ${String(answerTimeoutMs)} ms`));
      }, answerTimeoutMs);
      begin((value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });

  const report = (): void => {
    send('state', stateOf(options, instance, outbox, happened()));
  };
  report();
  const reporting = setInterval(report, stateIntervalMs);
  return {
    arrive: (gateId, plate, vehicleClass) =>
      within<Answered>(`no decision for ${plate}`, (resolve) => {
        const sentMs = performance.now();
        const seq = write(
          {
            kind: 'vehicle-arrived',
            ...happened(),
            gateId,
            direction: directionOf(directions, gateId),
            credential: { kind: 'plate', value: plate, source: 'camera', confidence: 0.97 },
            vehicleClass: vehicleClass ?? null,
            supersedes: null,
          },
          true,
        );
        deciding.set(seq, { sentMs, resolve });
      }),
    pass: (gateId, { seq, decision }) =>
      within<undefined>('the passage is not acknowledged', (resolve) => {
        const passed = write(
          {
            kind: 'vehicle-passed',
            ...happened(),
            gateId,
            direction: directionOf(directions, gateId),
            arrival: seq,
            slotId: decision.slot?.slotId ?? null,
            basis: 'decision',
            flags: [],
          },
          false,
        );
        storing.set(passed, () => {
          resolve(undefined);
        });
      }),
    end: () => {
      clearInterval(reporting);
      client.end();
    },
  };
}

function directionOf(directions: ReadonlyMap<string, Direction>, gateId: string): Direction {
  const direction = directions.get(gateId);
  if (direction === undefined) throw new RangeError(`no gate ${gateId}`);
  return direction;
}

function stateOf(
  { gates }: BareEdgeOptions,
  instance: string,
  { epoch, next }: Outbox,
  { atMs, monoMs, bootId }: { atMs: number; monoMs: number; bootId: string },
): OnlineState {
  return {
    presence: 'online',
    instance,
    version: 'bench',
    epoch,
    oldest: next,
    next,
    acked: next - 1,
    allowanceVersion: 0,
    clock: { atMs, monoMs, bootId },
    outboxBytes: 0,
    outboxOldestAgeMs: null,
    lastDecisionMs: null,
    faults: [],
    gates: gates.map(({ gateId, direction }) => ({
      gateId,
      direction,
      barrier: 'closed',
      mode: 'automatic',
      sensors: {},
      faults: [],
      arrival: null,
      vehicleClass: null,
    })),
  };
}
