/** One connection of the load: an edge that always has a full window of messages under way. */
import { allowanceSchema, edgeTopic, parsePayload } from '@gatehouse/shared';
import type { EdgeEvent } from '@gatehouse/shared';
import { systemRandom } from '@gatehouse/shared/node';
import { connectClient } from '../../bare-mqtt/client.js';
import type { BareClient, Target } from '../../bare-mqtt/client.js';
import { quietState } from '../quiet-state.js';
import type { QuietGate } from '../quiet-state.js';
import { createStory } from './story.js';
import type { Story, StoryEdge } from './story.js';
import { createStream } from './stream.js';
import type { Packets } from './stream.js';

export interface LoadEdgeOptions extends StoryEdge {
  readonly target: Target;
  readonly password: string;
  /** What lets the window go on: the aggregator's acknowledgement, or the broker's. */
  readonly answeredBy: 'acks' | 'pubacks';
  /** Messages under way at a time. */
  readonly windowMessages: number;
}

export interface LoadEdge {
  /** Connects, and tells its state. */
  connect(): Promise<void>;
  /** Tells its state again; what was set aside for it since is accepted with the next messages. */
  tellState(): void;
  /** Makes the next messages. */
  build(messages: number, eventsPerMessage: number): void;
  /** Sends what was built; resolves when everything is answered. */
  run(): Promise<void>;
  /** Events that were answered. */
  readonly answered: number;
  /** Decisions that were received. */
  readonly decisions: number;
  close(): void;
}

const connectAtOnce = 20;
const noPackets: Packets = { bytes: Buffer.alloc(0), ends: [], lastSeqs: [] };

/** All of them, connected. */
export async function connectLoadEdges(options: readonly LoadEdgeOptions[]): Promise<LoadEdge[]> {
  const edges = options.map(createLoadEdge);
  for (let from = 0; from < edges.length; from += connectAtOnce) {
    await Promise.all(edges.slice(from, from + connectAtOnce).map((edge) => edge.connect()));
  }
  return edges;
}

function createLoadEdge(options: LoadEdgeOptions): LoadEdge {
  const { siteId, edgeId, password, target, answeredBy, windowMessages } = options;
  const instance = systemRandom.hex(16);
  const bootId = systemRandom.hex(16);
  const bootAtMs = Date.now() - 3_600_000;
  const stream = createStream({ siteId, edgeId, instance, epoch: systemRandom.hex(16) });
  const topics = {
    acks: edgeTopic(siteId, edgeId, 'acks'),
    decisions: edgeTopic(siteId, edgeId, 'decisions'),
    allowance: edgeTopic(siteId, edgeId, 'allowance'),
  };
  const gates: QuietGate[] = [
    ...options.entryGateIds.map((gateId) => ({ gateId, direction: 'entry' as const })),
    ...options.exitGateIds.map((gateId) => ({ gateId, direction: 'exit' as const })),
  ];
  const subscribed = [...Object.values(topics), edgeTopic(siteId, edgeId, 'commands')];
  let client: BareClient | undefined;
  let story: Story | undefined;
  let packets = noPackets;
  let sent = 0;
  let done = 0;
  let answered = 0;
  let decisions = 0;
  let ackedSeq = 0;
  let allowanceVersion = 0;
  let offeredVersion = 0;
  let settle = { resolve: (): void => undefined, reject: (_error: Error): void => undefined };

  /** Everything the window lets through, in one piece. */
  const send = (): void => {
    const until = Math.min(packets.ends.length, done + windowMessages);
    if (until <= sent) return;
    client?.send(packets.bytes.subarray(packets.ends[sent - 1] ?? 0, packets.ends[until - 1]));
    sent = until;
  };

  const onAnswered = (messages: number): void => {
    done = messages;
    if (done >= packets.ends.length) settle.resolve();
    else send();
  };

  const onAck = (payload: Buffer): void => {
    const { epoch, upTo, conflict } = JSON.parse(payload.toString()) as {
      epoch: string;
      upTo: number;
      conflict: string | null;
    };
    if (conflict !== null) settle.reject(new Error(`${edgeId}: ${conflict}`));
    if (epoch !== stream.epoch || upTo <= ackedSeq) return;
    answered += upTo - ackedSeq;
    ackedSeq = upTo;
    let messages = done;
    while (messages < packets.lastSeqs.length && (packets.lastSeqs[messages] ?? Infinity) <= upTo) messages += 1;
    onAnswered(messages);
  };

  const onMessage = (topic: string, payload: Buffer): void => {
    if (topic === topics.acks) onAck(payload);
    else if (topic === topics.decisions) decisions += 1;
    else if (topic === topics.allowance) {
      const parsed = parsePayload(allowanceSchema, payload);
      if (parsed.ok) offeredVersion = parsed.value.version;
    }
  };

  const onPuback = (): void => {
    if (answeredBy !== 'pubacks' || done >= sent) return;
    answered += 1;
    onAnswered(done + 1);
  };

  const stamp = (): Pick<EdgeEvent, 'atMs' | 'monoMs' | 'bootId'> => {
    const atMs = Date.now();
    return { atMs, monoMs: atMs - bootAtMs, bootId };
  };

  /** The set that was offered, and then the vehicles. */
  const nextEvent = (seq: number): EdgeEvent => {
    if (offeredVersion > allowanceVersion) {
      allowanceVersion = offeredVersion;
      return { kind: 'allowance-accepted', ...stamp(), version: offeredVersion, returned: [], remaining: 0 };
    }
    story ??= createStory(options, stamp());
    return story.next(seq);
  };

  const tellState = (): void => {
    // What was built and not sent is not committed yet.
    const next = (packets.lastSeqs[sent - 1] ?? ackedSeq) + 1;
    const { epoch } = stream;
    const state = quietState(
      { instance, epoch, next, acked: ackedSeq, allowanceVersion, clock: stamp(), outboxBytes: 4_096 },
      gates,
    );
    client?.publish(edgeTopic(siteId, edgeId, 'state'), Buffer.from(JSON.stringify(state)));
  };

  return {
    async connect() {
      const account = { clientId: edgeId, username: edgeId, password };
      client = await connectClient(target, account, subscribed, onMessage, onPuback);
      void client.closed.then(() => {
        settle.reject(new Error(`${edgeId}: the connection was closed`));
      });
      if (answeredBy === 'acks') tellState();
    },
    tellState,
    build(messages, eventsPerMessage) {
      packets = stream.build(nextEvent, messages, eventsPerMessage);
      sent = 0;
      done = 0;
    },
    run() {
      return new Promise((resolve, reject) => {
        settle = { resolve, reject };
        if (packets.ends.length === 0) resolve();
        else if (client?.isOpen === true) send();
        else reject(new Error(`${edgeId} is not connected`));
      });
    },
    get answered() {
      return answered;
    },
    get decisions() {
      return decisions;
    },
    close() {
      client?.end();
    },
  };
}
