/** What readers publish at one broker, told apart by camera. Messages that concern no configured camera are counted, no more. */
import type { Clock } from '@gatehouse/shared/edge';
import type { Delivery } from './delivery.js';
import { mapPayload } from './formats.js';
import { frigateTopics, mapFrigate } from './frigate.js';
import type { MqttMessage } from './mqtt-source.js';
import type { CameraSettings, PlateReadersSettings } from './settings.js';
import type { MqttSourceSettings } from './settings-mqtt.js';
import type { ReaderTally } from './tally.js';

/** The cameras that are found at this broker. */
export function camerasAt({ cameras }: PlateReadersSettings, { sourceId }: MqttSourceSettings): CameraSettings[] {
  return cameras.filter(({ mqtt }) => mqtt?.sourceId === sourceId);
}

export function topicsOf(settings: MqttSourceSettings, cameras: readonly CameraSettings[]): string[] {
  const topics = cameras.flatMap(({ mqtt }) => (mqtt?.topic === undefined ? [] : [mqtt.topic]));
  const hasFrigate = cameras.some(({ format }) => format === 'frigate');
  return [...topics, ...(hasFrigate ? frigateTopics.map((name) => `${settings.topicPrefix}/${name}`) : [])];
}

export interface MqttReadersParts {
  readonly settings: MqttSourceSettings;
  readonly cameras: readonly CameraSettings[];
  readonly tally: ReaderTally;
  /** Real time. */
  readonly clock: Clock;
  readonly deliver: Delivery;
}

export function createMqttReaders(parts: MqttReadersParts): (message: MqttMessage) => void {
  const { settings, cameras, tally, clock, deliver } = parts;
  const { sourceId, maxMessageBytes, maxMessagesPerSecond, topicPrefix } = settings;
  const byTopic = new Map(cameras.flatMap((camera) => (camera.mqtt?.topic ? [[camera.mqtt.topic, camera]] : [])));
  const byName = new Map(cameras.flatMap((camera) => (camera.mqtt?.camera ? [[camera.mqtt.camera, camera]] : [])));
  const mayTake = createRateBound(maxMessagesPerSecond, clock);

  const takeGeneric = (camera: CameraSettings, text: string): void => {
    const mapped = mapPayload('generic', text);
    if ('refused' in mapped) tally.refused(camera.cameraId, mapped.refused);
    else deliver(camera, mapped);
  };
  const takeFrigate = (topic: (typeof frigateTopics)[number], text: string): void => {
    const { camera: name, mapped } = mapFrigate(topic, text);
    const camera = name === null ? undefined : byName.get(name);
    // Frigate has cameras that look at no gate, and messages of no camera.
    if (camera === undefined && (name !== null || 'ignored' in mapped)) tally.ignored(sourceId);
    else if ('refused' in mapped) tally.refused(camera?.cameraId ?? sourceId, mapped.refused);
    else if (camera === undefined) tally.refused(sourceId, 'camera: has to be there');
    else deliver(camera, mapped);
  };

  return ({ topic, payload, isRetained }) => {
    const camera = byTopic.get(topic);
    const name = camera?.cameraId ?? sourceId;
    if (!mayTake()) {
      tally.refused(name, `messages: more than ${String(maxMessagesPerSecond)} came within a second`);
    } else if (isRetained) {
      // Nobody knows how old it is.
      tally.ignored(name);
    } else if (payload.length > maxMessageBytes) {
      tally.refused(name, `message: is longer than ${String(maxMessageBytes)} bytes`);
    } else if (camera !== undefined) {
      takeGeneric(camera, payload.toString('utf8'));
    } else {
      const frigateTopic = frigateTopics.find((one) => topic === `${topicPrefix}/${one}`);
      if (frigateTopic !== undefined) takeFrigate(frigateTopic, payload.toString('utf8'));
    }
  };
}

/** Answers whether one more may be taken in this second. */
function createRateBound(maxPerSecond: number, clock: Clock): () => boolean {
  let secondBeganAtMs = -Infinity;
  let taken = 0;
  return () => {
    const nowMs = clock.monoMs();
    if (nowMs - secondBeganAtMs >= 1_000) {
      secondBeganAtMs = nowMs;
      taken = 0;
    }
    taken += 1;
    return taken <= maxPerSecond;
  };
}
