/** Settings of the link to a broker that runs elsewhere (Mosquitto, EMQX). */
import { z } from 'zod';

const path = z.string().min(1).max(4096);

export const externalBrokerSettingsSchema = z
  .strictObject({
    url: z
      .string()
      .max(300)
      .regex(/^mqtts?:\/\/[^\s/@]+$/, 'must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT], without a user or a path'),
    clientId: z.string().min(1).max(64).default('gatehouse-aggregator'),
    username: z.string().min(1).max(256),
    password: z.string().min(1).max(1024),
    caFile: path.nullable().default(null).describe('PEM of who signed the broker’s certificate; null: the system’s.'),
    certFile: path.nullable().default(null).describe('PEM of our own certificate, where the broker asks for one.'),
    keyFile: path.nullable().default(null),
    connectTimeoutMs: z.int().min(100).max(60_000).default(10_000),
    publishTimeoutMs: z.int().min(100).max(60_000).default(10_000),
    reconnectMaxMs: z.int().min(100).max(600_000).default(30_000),
    keepaliveSeconds: z.int().min(1).max(3_600).default(30),
    maxInFlight: z
      .int()
      .min(1)
      .max(65_000)
      .default(2_000)
      .describe('Messages that the broker has not taken yet; more are refused.'),
  })
  .refine((settings) => (settings.certFile === null) === (settings.keyFile === null), {
    message: 'certFile and keyFile go together',
    path: ['keyFile'],
  })
  .describe('The link to an external MQTT broker.');
export type ExternalBrokerSettings = z.infer<typeof externalBrokerSettingsSchema>;
