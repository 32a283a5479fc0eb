/** Settings of the embedded broker: where it listens and what it bears. */
import { z } from 'zod';
import { wireLimits } from '@gatehouse/shared';
import { isLoopbackHost } from '@gatehouse/shared/node';

const listenPort = z.int().min(0).max(65_535);
const path = z.string().min(1).max(4096);

export const brokerLimitsSchema = z
  .strictObject({
    maxPacketBytes: z
      .int()
      .min(wireLimits.maxPayloadBytes + 1024)
      .max(4 * 1024 * 1024)
      .default(wireLimits.maxPayloadBytes + 8 * 1024)
      .describe('A longer packet ends its connection before it is read.'),
    maxConnectBytes: z
      .int()
      .min(512)
      .max(64 * 1024)
      .default(8 * 1024)
      .describe('The same for CONNECT, the only packet of a stranger.'),
    maxConnections: z.int().min(1).max(100_000).default(16_384),
    maxConnectionsPerAddress: z.int().min(1).max(100_000).default(512),
    maxUnauthenticated: z
      .int()
      .min(1)
      .max(100_000)
      .default(256)
      .describe('Connections that have not shown a credential yet.'),
    authenticationTimeoutMs: z.int().min(100).max(60_000).default(10_000),
    maxSubscriptionsPerClient: z.int().min(4).max(1_000).default(16),
    maxPacketsPerSecond: z
      .int()
      .min(10)
      .max(1_000_000)
      .default(2_000)
      .describe('Of one client; beyond it the connection is read more slowly, so nothing is lost.'),
    maxBytesPerSecond: z
      .int()
      .min(64 * 1024)
      .max(1024 * 1024 * 1024)
      .default(8 * 1024 * 1024)
      .describe('Of one client; beyond it the connection is read more slowly.'),
    maxQueuedBytesPerClient: z
      .int()
      .min(16 * 1024)
      .max(256 * 1024 * 1024)
      .default(4 * 1024 * 1024)
      .describe('A client that lets more than this wait for it is disconnected.'),
    maxKeepaliveSeconds: z
      .int()
      .min(5)
      .max(3_600)
      .default(300)
      .describe('A client that asks for more, or for none, is held to this.'),
    maxRetainedMessages: z.int().min(1).max(1_000_000).default(20_000),
  })
  .describe('Bounds of the embedded broker.');
export type BrokerLimits = z.infer<typeof brokerLimitsSchema>;

export const embeddedBrokerSettingsSchema = z
  .strictObject({
    host: z.string().min(1).max(255).default('127.0.0.1').describe('Address of the plaintext listener.'),
    port: listenPort
      .nullable()
      .default(1883)
      .describe('Port of the plaintext listener; null for none, 0 for any free.'),
    allowPlaintext: z
      .boolean()
      .default(false)
      .describe('Listen without TLS on addresses other than loopback: credentials can be read on that network.'),
    tls: z
      .strictObject({
        host: z.string().min(1).max(255).default('0.0.0.0'),
        port: listenPort.default(8883),
        certFile: path.describe('PEM, with intermediates.'),
        keyFile: path,
        clientCaFile: path
          .nullable()
          .default(null)
          .describe('Set: clients must show a certificate that it signed, too.'),
      })
      .nullable()
      .default(null),
    limits: brokerLimitsSchema.prefault({}),
  })
  .superRefine((settings, context) => {
    if (settings.port === null && settings.tls === null) {
      context.addIssue({ code: 'custom', path: ['port'], message: 'is null and tls is too: nothing would listen' });
    }
    if (settings.port !== null && !settings.allowPlaintext && !isLoopbackHost(settings.host)) {
      context.addIssue({
        code: 'custom',
        path: ['host'],
        message: `"${settings.host}" is not loopback, and MQTT without TLS shows credentials to the network: use tls with port null, or set allowPlaintext`,
      });
    }
  })
  .describe('The MQTT broker inside the aggregator.');
export type EmbeddedBrokerSettings = z.infer<typeof embeddedBrokerSettingsSchema>;
