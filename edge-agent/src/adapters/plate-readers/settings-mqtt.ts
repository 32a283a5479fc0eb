/** Brokers of others at which readers publish. */
import { slugSchema } from '@gatehouse/shared/edge';
import { z } from 'zod';
import { brokerTlsSchema, brokerUrlSchema, milliseconds, plaintextProblem } from '../mqtt-link/settings.js';

const filePath = z.string().min(1).max(1_000);
/** Of one topic: MQTT 3.1.1, section 4.7, without wildcards. */
const topicName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^+#\0]+$/, 'must be one topic: without + and #');

export const mqttSourceSchema = z
  .strictObject({
    sourceId: slugSchema.describe('Names it in the log and in metrics.'),
    url: brokerUrlSchema.describe('Of the broker. Default ports: 1883, and 8883 for mqtts.'),
    allowPlaintext: z
      .boolean()
      .default(false)
      .describe('Connect without TLS to another machine: password and plates can be read on that network.'),
    username: z.string().min(1).max(255).optional(),
    passwordFile: filePath.optional().describe('File that holds the password, at most 1,000 characters.'),
    tls: brokerTlsSchema.prefault({}),
    topicPrefix: topicName.default('frigate').describe('What Frigate’s topics begin with (its `mqtt.topic_prefix`).'),
    keepaliveMs: milliseconds(15_000, 1_000, 600_000, 'Between two signs of life of a silent connection.'),
    connectTimeoutMs: milliseconds(10_000, 100, 120_000, 'How long connecting and subscribing may take.'),
    reconnectMinMs: milliseconds(500, 10, 60_000, 'Bound of the first wait before connecting again; doubles.'),
    reconnectMaxMs: milliseconds(30_000, 10, 600_000, 'Bound of the longest wait.'),
    refusedRetryMs: milliseconds(60_000, 10, 3_600_000, 'Wait after the broker refused the password.'),
    stableAfterMs: milliseconds(10_000, 0, 600_000, 'A connection that lasts this long makes the waits short again.'),
    maxMessageBytes: z
      .int()
      .min(1_024)
      .max(1024 * 1024)
      .default(256 * 1024)
      .describe('A longer message is refused; one of more than four times as much ends the connection.'),
    maxMessagesPerSecond: z.int().min(1).max(10_000).default(200).describe('What comes beyond is refused.'),
  })
  .refine((source) => source.reconnectMaxMs >= source.reconnectMinMs, {
    path: ['reconnectMaxMs'],
    message: 'must not be below reconnectMinMs',
  })
  .refine((source) => (source.tls.certFile === undefined) === (source.tls.keyFile === undefined), {
    path: ['tls'],
    message: 'certFile and keyFile go together',
  })
  .refine((source) => source.passwordFile === undefined || source.username !== undefined, {
    path: ['username'],
    message: 'has to be set with a passwordFile',
  })
  .superRefine(({ url, allowPlaintext }, context) => {
    const problem = URL.canParse(url) ? plaintextProblem(url, allowPlaintext) : undefined;
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['url'], message: problem });
  });
export type MqttSourceSettings = z.output<typeof mqttSourceSchema>;

/** Where the reads of a camera are found. */
export const mqttPlaceSchema = z.strictObject({
  sourceId: slugSchema.describe('Which of `readers.mqtt`.'),
  camera: z.string().min(1).max(200).optional().describe('With format frigate: what Frigate calls the camera.'),
  topic: topicName.optional().describe('With format generic: the topic that is this camera’s alone.'),
});
