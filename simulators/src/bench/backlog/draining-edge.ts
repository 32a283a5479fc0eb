/** An edge that comes back with a full outbox: it sends by the protocol, and lets go of nothing but what `acks` says is stored. */
import { ackSchema, edgeTopic, parsePayload } from '@gatehouse/shared';
import type { OnlineState } from '@gatehouse/shared';
import { systemRandom } from '@gatehouse/shared/node';
import { connectClient } from '../../bare-mqtt/client.js';
import type { BareClient, Target } from '../../bare-mqtt/client.js';
import { quietState } from '../quiet-state.js';
import type { BacklogEdge } from './history.js';
import type { PackedOutbox } from './packed-outbox.js';

export interface DrainingEdge {
  /** Connects, tells its state and sends everything; resolves when everything is acknowledged. @throws Error when it cannot */
  drain(target: Target, password: string): Promise<void>;
  readonly acknowledged: number;
  /** Batches that were sent again because nothing had come back in time. */
  readonly resentBatches: number;
  close(): void;
}

/** As agents have it by default. */
const windowBatches = 4;
const resendMinMs = 1_000;
const resendMaxMs = 60_000;

export function createDrainingEdge(edge: BacklogEdge, outbox: PackedOutbox): DrainingEdge {
  const { siteId, edgeId } = edge;
  const instance = systemRandom.hex(16);
  const topics = { events: edgeTopic(siteId, edgeId, 'events'), acks: edgeTopic(siteId, edgeId, 'acks') };
  let client: BareClient | undefined;
  let acknowledged = 0;
  let sent = 0;
  let window = windowBatches;
  /** The last seq of each batch under way, rising. */
  let underWay: number[] = [];
  let attempts = 0;
  let resentBatches = 0;
  let timer: NodeJS.Timeout | undefined;
  let settle = { resolve: (): void => undefined, reject: (_error: Error): void => undefined };

  const send = (): void => {
    while (underWay.length < window && sent < outbox.count) {
      const { payload, last } = outbox.batch(instance, sent + 1);
      client?.publish(topics.events, payload);
      sent = last;
      underWay.push(last);
    }
  };

  /** Nothing came back: one batch, until something does. */
  const armResend = (): void => {
    clearTimeout(timer);
    const ceilingMs = Math.min(resendMaxMs, resendMinMs * 2 ** (attempts + 1));
    timer = setTimeout(
      () => {
        attempts += 1;
        resentBatches += 1;
        sent = acknowledged;
        underWay = [];
        window = 1;
        send();
        armResend();
      },
      resendMinMs + systemRandom.next() * (ceilingMs - resendMinMs),
    );
  };

  const onAck = (payload: Buffer): void => {
    const ack = parsePayload(ackSchema, payload);
    if (!ack.ok || ack.value.instance !== instance || ack.value.epoch !== outbox.epoch) return;
    const { upTo, hash, conflict } = ack.value;
    if (conflict !== null || hash !== outbox.hashAt(upTo)) settle.reject(new Error(`${edgeId}: ${conflict ?? 'hash'}`));
    if (upTo <= acknowledged) return;
    acknowledged = upTo;
    sent = Math.max(sent, upTo);
    underWay = underWay.filter((last) => last > upTo);
    window = Math.min(windowBatches, window * 2);
    attempts = 0;
    if (acknowledged === outbox.count) {
      clearTimeout(timer);
      settle.resolve();
      return;
    }
    send();
    armResend();
  };

  return {
    async drain(target, password) {
      const drained = new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      const account = { clientId: edgeId, username: edgeId, password };
      client = await connectClient(target, account, [topics.acks], (_topic, payload) => {
        onAck(payload);
      });
      void client.closed.then(() => {
        settle.reject(new Error(`${edgeId}: the connection was closed`));
      });
      client.publish(edgeTopic(siteId, edgeId, 'state'), Buffer.from(JSON.stringify(stateOf(edge, instance, outbox))));
      send();
      armResend();
      await drained;
    },
    get acknowledged() {
      return acknowledged;
    },
    get resentBatches() {
      return resentBatches;
    },
    close() {
      clearTimeout(timer);
      client?.end();
    },
  };
}

function stateOf(edge: BacklogEdge, instance: string, { epoch, count, bytes }: PackedOutbox): OnlineState {
  const clock = { atMs: Date.now(), monoMs: count * 10_000, bootId: epoch };
  return quietState({ instance, epoch, next: count + 1, acked: 0, allowanceVersion: 0, clock, outboxBytes: bytes }, [
    { gateId: edge.entryGateId, direction: 'entry' },
    { gateId: edge.exitGateId, direction: 'exit' },
  ]);
}
