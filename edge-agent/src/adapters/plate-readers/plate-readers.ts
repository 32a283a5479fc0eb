/** The readers of an edge, however they send: over HTTP to a listener of the agent, or at brokers that it listens to. */
import type { Clock, Logger, Random } from '@gatehouse/shared/edge';
import type { CredentialReader } from '../../app/ports.js';
import { createDelivery } from './delivery.js';
import { camerasAt, createMqttReaders, topicsOf } from './mqtt-readers.js';
import { createMqttSource } from './mqtt-source.js';
import { createReceiver } from './receiver.js';
import type { PlateReadersSettings } from './settings.js';
import { createReaderTally } from './tally.js';
import type { ReaderTally } from './tally.js';

export interface ReaderSource {
  readonly sourceId: string;
  readonly url: string;
  /** Connected, and subscribed to what its readers publish. */
  readonly isUp: boolean;
}

export interface PlateReaders extends CredentialReader {
  /** Where cameras post: `http://HOST:PORT` or `https://…`; undefined before the start, and where none does. */
  readonly url: string | undefined;
  readonly sources: readonly ReaderSource[];
  readonly counts: ReaderTally['counts'];
}

export interface PlateReadersOptions {
  readonly settings: PlateReadersSettings;
  /** What the agent is called at brokers of others, with the name of the source. */
  readonly clientName: string;
  /** The lane's clock. */
  readonly clock: Clock;
  /** Real time. */
  readonly linkClock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Starting it rejects with a ConfigurationError that names a file or an address that cannot be used; it waits for no broker. */
export function createPlateReaders(options: PlateReadersOptions): PlateReaders {
  const { settings, clientName, clock, linkClock, random, logger } = options;
  const { cameras, mqtt } = settings;
  const names = [...cameras.map(({ cameraId }) => cameraId), ...mqtt.map(({ sourceId }) => sourceId)];
  const tally = createReaderTally(names, { clock: linkClock, logger });
  const receiver = cameras.some((camera) => camera.mqtt === undefined)
    ? createReceiver({ settings, tally, logger })
    : undefined;
  const listeners = mqtt.map((source, index) => {
    const at = camerasAt(settings, source);
    const link = createMqttSource({
      settings: source,
      settingsKey: `readers.mqtt.${String(index)}`,
      clientId: `${clientName}-${source.sourceId}`,
      topics: topicsOf(source, at),
      clock: linkClock,
      random,
      logger,
    });
    return { source, cameras: at, link };
  });
  return {
    get url() {
      return receiver?.url;
    },
    sources: listeners.map(({ source: { sourceId, url }, link }) => ({
      sourceId,
      url,
      get isUp() {
        return link.isUp;
      },
    })),
    counts: tally.counts,
    async start(onRead) {
      const deliver = createDelivery(onRead, { tally, clock });
      await receiver?.start(deliver);
      for (const { source, cameras: at, link } of listeners) {
        await link.start(createMqttReaders({ settings: source, cameras: at, tally, clock: linkClock, deliver }));
      }
    },
    async stop() {
      await Promise.all([receiver?.stop(), ...listeners.map(({ link }) => link.stop())]);
    },
  };
}
