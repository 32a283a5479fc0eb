/** Packets of MQTT 3.1.1 that are wrong. */
import { Buffer } from 'node:buffer';
import {
  connectPacket,
  disconnectPacket,
  packetOf,
  pingPacket,
  publishPacket,
  subscribePacket,
  text,
  word,
} from '../bare-mqtt/packets.js';
import type { Dice } from './dice.js';
import { hostileString, randomBytes } from './hostile.js';

/** Bytes that a client of the protocol would not send: `topic` is one that the sender may publish to. */
export function malformedBytes(topic: string, dice: Dice): Buffer {
  const payload = randomBytes(dice, dice.below(60));
  const whole = publishPacket(topic, payload, dice.below(65_536));
  switch (dice.below(16)) {
    case 0:
      return randomBytes(dice, dice.between(1, 300));
    case 1:
      // A length that does not end, and one of 256 MiB.
      return Buffer.concat([
        Buffer.from([0x32]),
        Buffer.from(
          dice.oneOf([
            [255, 255, 255, 255, 1],
            [255, 255, 255, 127],
          ]),
        ),
      ]);
    case 2:
      return packetOf(3, 0b0110, text(topic), word(1), payload);
    case 3:
      // QoS 3; packet id 0; no packet id; no topic.
      return dice.oneOf([
        packetOf(3, 0b0110 | 0b0010, text(topic), word(1), payload),
        publishPacket(topic, payload, 0),
        packetOf(3, 0b0010, text(topic)),
        packetOf(3, 0b0010),
      ]);
    case 4:
      return publishPacket(dice.oneOf(['', '#', '+', `${topic}/+`, '$SYS/x', hostileString(dice)]), payload, 7);
    case 5:
      return packetOf(3, 0b0010, text(Buffer.from([0x67, 0xff, 0xfe, 0xc0])), word(9), payload);
    case 6:
      return packetOf(8, dice.oneOf([0, 2]), word(dice.below(3)));
    case 7:
      return subscribePacket(
        Array.from({ length: dice.between(1, 40) }, () => dice.oneOf(['#', '+/+', '$share/a/#', hostileString(dice)])),
        3,
      );
    case 8:
      return packetOf(10, 2, word(4), text(hostileString(dice)));
    case 9:
      return connectPacket({ clientId: 'again', username: 'x', password: 'y' });
    case 10:
      // What only a server sends, and what answers nothing that was asked.
      return packetOf(dice.oneOf([2, 5, 6, 7, 9, 11, 13]), dice.oneOf([0, 2, 15]), word(dice.below(65_536)));
    case 11:
      return packetOf(dice.oneOf([0, 15]), 0, payload);
    case 12:
      return Buffer.concat([whole.subarray(0, dice.below(whole.length)), disconnectPacket]);
    case 13:
      return packetOf(4, 0, payload.subarray(0, dice.below(5)));
    case 14:
      return Buffer.concat(Array.from({ length: 50 }, () => pingPacket));
    default:
      return packetOf(3, 0b0010, word(65_535), Buffer.from(topic), payload);
  }
}

/** A first packet that is not a good CONNECT. */
export function malformedConnect(dice: Dice): Buffer {
  const head = (protocol: string, level: number, flags: number): Buffer =>
    Buffer.concat([text(protocol), Buffer.from([level, flags]), word(dice.below(65_536))]);
  switch (dice.below(9)) {
    case 0:
      return randomBytes(dice, dice.between(1, 100));
    case 1:
      return Buffer.from(
        dice.oneOf(['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'SSH-2.0-x\r\n', '\u0016\u0003\u0001\u0002']),
      );
    case 2:
      return packetOf(
        1,
        dice.below(16),
        head('MQTT', dice.oneOf([0, 3, 5, 255]), 0xc2),
        text('a'),
        text('b'),
        text('c'),
      );
    case 3:
      return packetOf(1, 0, head(hostileString(dice), 4, 0xc2), text('a'), text('b'), text('c'));
    case 4:
      // Reserved flag; a will that is not there; a password without a name.
      return packetOf(1, 0, head('MQTT', 4, dice.oneOf([0xc3, 0xc6, 0x42, 0x3e])), text('a'));
    case 5:
      return packetOf(1, 0, head('MQTT', 4, 0xc2), text(hostileString(dice)), text(hostileString(dice)), text(''));
    case 6:
      return Buffer.concat([Buffer.from([0x10]), Buffer.from([255, 255, 255, 127])]);
    case 7:
      return packetOf(1, 0, head('MQTT', 4, 0xc2), text('x'.repeat(60_000)), text('a'), text('b'));
    default:
      return packetOf(1, 0, head('MQTT', 4, 0x02), text(''));
  }
}
