/** A message that is kept for long: its payload takes half of what a buffer would, and no part of what others share. */
import type { PublishPacket } from 'aedes';

/** The same message, of which nothing else is held on to. */
export function keepMessage(packet: Pick<PublishPacket, 'topic' | 'qos' | 'retain' | 'payload'>): PublishPacket {
  return new KeptMessage(packet);
}

/** A class, because there are two for every edge. */
class KeptMessage implements PublishPacket {
  readonly cmd = 'publish';
  readonly dup = false;
  readonly topic: string;
  readonly qos: PublishPacket['qos'];
  readonly retain: boolean;
  /** A character a byte. */
  readonly #characters: string;

  constructor({ topic, qos, retain, payload }: Pick<PublishPacket, 'topic' | 'qos' | 'retain' | 'payload'>) {
    this.topic = topic;
    this.qos = qos;
    this.retain = retain;
    this.#characters = Buffer.from(payload).toString('latin1');
  }

  get payload(): Buffer {
    return Buffer.from(this.#characters, 'latin1');
  }
}
