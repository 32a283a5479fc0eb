/** The messages of an edge's outbox as packets of MQTT, made before anything is measured. */
import { canonicalJson, edgeTopic, genesisHash, nextHashOfText } from '@gatehouse/shared';
import type { EdgeEvent, EventBatch } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { publishPacket } from '../../bare-mqtt/packets.js';

export interface Packets {
  /** One after the other. */
  readonly bytes: Buffer;
  /** Where each ends in `bytes`. */
  readonly ends: readonly number[];
  /** seq of the last event of each. */
  readonly lastSeqs: readonly number[];
}

export interface Stream {
  readonly epoch: string;
  readonly nextSeq: number;
  /** `messages` messages of `eventsPerMessage` events each. */
  build(next: (seq: number) => EdgeEvent, messages: number, eventsPerMessage: number): Packets;
}

export interface StreamOptions {
  readonly siteId: string;
  readonly edgeId: string;
  readonly instance: string;
  readonly epoch: string;
}

export function createStream({ siteId, edgeId, instance, epoch }: StreamOptions): Stream {
  const topic = edgeTopic(siteId, edgeId, 'events');
  let nextSeq = 1;
  let hash = genesisHash(sha256, epoch);
  let packetId = 0;

  const buildOne = (next: (seq: number) => EdgeEvent, count: number): Buffer => {
    const first = nextSeq;
    const prevHash = hash;
    const texts: string[] = [];
    const waiting = new Set<number>();
    for (let index = 0; index < count; index += 1) {
      const event = next(nextSeq);
      if (event.kind === 'vehicle-arrived') waiting.add(nextSeq);
      if (event.kind === 'vehicle-passed' && event.arrival !== null) waiting.delete(event.arrival);
      const text = canonicalJson(event);
      hash = nextHashOfText(sha256, hash, text);
      texts.push(text);
      nextSeq += 1;
    }
    const head: Omit<EventBatch, 'events'> = { instance, epoch, first, prevHash, waiting: [...waiting] };
    packetId = (packetId % 65_535) + 1;
    const payload = `${JSON.stringify(head).slice(0, -1)},"events":[${texts.join(',')}]}`;
    return publishPacket(topic, Buffer.from(payload), packetId);
  };

  return {
    epoch,
    get nextSeq() {
      return nextSeq;
    },
    build(next, messages, eventsPerMessage) {
      const parts: Buffer[] = [];
      const ends: number[] = [];
      const lastSeqs: number[] = [];
      let length = 0;
      for (let index = 0; index < messages; index += 1) {
        const part = buildOne(next, eventsPerMessage);
        length += part.length;
        parts.push(part);
        ends.push(length);
        lastSeqs.push(nextSeq - 1);
      }
      return { bytes: Buffer.concat(parts), ends, lastSeqs };
    },
  };
}
