/**
 * What the broker remembers beside its connections: retained messages, last wills, and QoS 2 messages that are half received. In place
 * of the memory that comes with Aedes, which compares every retained message with every filter of every SUBSCRIBE: ten thousand edges
 * that come back at once would keep it busy for minutes. All sessions are clean, so nothing is kept for a client that is away.
 */
import { Readable } from 'node:stream';
import type { Aedes, PublishPacket } from 'aedes';
import { keepMessage } from './kept-message.js';

interface ClientRef {
  readonly id: string;
}
interface MessageRef {
  readonly messageId: number;
}
type Will = PublishPacket & { brokerId?: string; clientId?: string };

/** The methods that Aedes asks of a `persistence`, for clean sessions. */
export interface BrokerMemory {
  setup(broker: Pick<Aedes, 'id'>): Promise<void>;
  storeRetained(packet: PublishPacket): Promise<void>;
  /** The retained messages of any of these filters. */
  createRetainedStreamCombi(filters: readonly string[]): AsyncIterable<PublishPacket> & Pick<Readable, 'pipe'>;
  addSubscriptions(): Promise<void>;
  removeSubscriptions(): Promise<void>;
  cleanSubscriptions(): Promise<void>;
  subscriptionsByClient(): Promise<readonly never[]>;
  subscriptionsByTopic(): Promise<readonly never[]>;
  outgoingEnqueue(): Promise<void>;
  outgoingEnqueueCombi(): Promise<void>;
  outgoingUpdate(): Promise<void>;
  outgoingClearMessageId(): Promise<undefined>;
  outgoingStream(): Iterable<never>;
  incomingStorePacket(client: ClientRef, packet: PublishPacket & MessageRef): Promise<void>;
  /** Rejects when there is none. */
  incomingGetPacket(client: ClientRef, packet: MessageRef): Promise<PublishPacket>;
  /** Rejects when there is none. */
  incomingDelPacket(client: ClientRef, packet: MessageRef): Promise<void>;
  cleanIncoming(client: ClientRef): Promise<void>;
  putWill(client: ClientRef, will: Will): Promise<void>;
  delWill(client: ClientRef): Promise<Will | undefined>;
  /** Of brokers that are not among these. */
  streamWill(brokers?: Readonly<Record<string, unknown>>): Readable;
}

export function createBrokerMemory(): BrokerMemory {
  const retained = new Map<string, PublishPacket>();
  const wills = new Map<string, Will>();
  const incoming = new Map<string, Map<number, PublishPacket>>();
  let brokerId = '';
  const nothing = (): Promise<undefined> => Promise.resolve(undefined);
  const nobody = (): Promise<readonly never[]> => Promise.resolve([]);

  const incomingOf = ({ id }: ClientRef, { messageId }: MessageRef): PublishPacket => {
    const packet = incoming.get(id)?.get(messageId);
    if (packet === undefined) throw new Error('no such packet');
    return packet;
  };

  return {
    // Aedes insists on async functions here.
    async setup({ id }) {
      brokerId = id;
    },

    async storeRetained(packet) {
      const { topic, payload } = packet;
      if (payload.length === 0) retained.delete(topic);
      else retained.set(topic, keepMessage(packet));
    },
    createRetainedStreamCombi(filters) {
      const found = filters.flatMap((filter) => matching(retained, filter));
      return found.length === 0 ? emptySource : Readable.from(found);
    },

    addSubscriptions: nothing,
    removeSubscriptions: nothing,
    cleanSubscriptions: nothing,
    subscriptionsByClient: nobody,
    subscriptionsByTopic: nobody,
    outgoingEnqueue: nothing,
    outgoingEnqueueCombi: nothing,
    outgoingUpdate: nothing,
    outgoingClearMessageId: nothing,
    outgoingStream: () => [],

    async incomingStorePacket({ id }, packet) {
      const packets = incoming.get(id) ?? new Map<number, PublishPacket>();
      incoming.set(id, packets.set(packet.messageId, { ...packet, payload: Buffer.from(packet.payload) }));
    },
    async incomingGetPacket(client, packet) {
      return incomingOf(client, packet);
    },
    async incomingDelPacket(client, packet) {
      incomingOf(client, packet);
      incoming.get(client.id)?.delete(packet.messageId);
    },
    async cleanIncoming({ id }) {
      incoming.delete(id);
    },

    async putWill(client, will) {
      will.brokerId = brokerId;
      will.clientId = client.id;
      wills.set(client.id, will);
    },
    async delWill({ id }) {
      const will = wills.get(id);
      wills.delete(id);
      return will;
    },
    streamWill: (brokers = {}) =>
      Readable.from([...wills.values()].filter((will) => !(String(will.brokerId) in brokers))),
  };
}

/** Of every SUBSCRIBE of an edge nothing is retained: a stream for that would weigh more than all else of it. */
const emptySource: AsyncIterable<never> & Pick<Readable, 'pipe'> = {
  pipe: (destination) => destination,
  async *[Symbol.asyncIterator]() {
    // Nothing.
  },
};

function matching(retained: ReadonlyMap<string, PublishPacket>, filter: string): PublishPacket[] {
  if (!/[+#]/.test(filter)) {
    const message = retained.get(filter);
    return message === undefined ? [] : [message];
  }
  const levels = filter.split('/');
  return [...retained.values()].filter(({ topic }) => matches(levels, topic));
}

/** MQTT 3.1.1, 4.7: `+` is any one level, `#` at the end any number of them, neither begins a topic of the broker's own. */
function matches(filter: readonly string[], topic: string): boolean {
  const levels = topic.split('/');
  if (topic.startsWith('$') && !filter[0]?.startsWith('$')) return false;
  for (const [index, wanted] of filter.entries()) {
    if (wanted === '#') return true;
    if (index >= levels.length || (wanted !== '+' && wanted !== levels[index])) return false;
  }
  return filter.length === levels.length;
}
