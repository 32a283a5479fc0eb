/** The configuration of the aggregator's process: one YAML or JSON file, and `GATEHOUSE_…` variables over it. */
import { isLoopbackHost, loadConfiguration, logLevels } from '@gatehouse/shared/node';
import { z } from 'zod';
import { embeddedBrokerSettingsSchema } from './adapters/broker/embedded/index.js';
import { externalBrokerSettingsSchema } from './adapters/broker/external/settings.js';
import { aggregatorSettingsSchema } from './app/settings.js';
import { httpSettingsSchema } from './http/settings.js';

const path = z.string().min(1).max(4_096);

const httpSchema = httpSettingsSchema
  .extend({
    host: z.string().min(1).max(255).default('127.0.0.1').describe('Address to listen on.'),
    port: z.int().min(0).max(65_535).default(8_000).describe('0: any free port.'),
    allowPlaintext: z
      .boolean()
      .default(false)
      .describe('Listen without TLS on addresses other than loopback: keys can be read on that network.'),
    tls: z
      .strictObject({ certFile: path.describe('PEM, with intermediates.'), keyFile: path })
      .nullable()
      .default(null),
  })
  .superRefine((http, context) => {
    if (http.tls !== null || http.allowPlaintext || isLoopbackHost(http.host)) return;
    context.addIssue({
      code: 'custom',
      path: ['host'],
      message: `"${http.host}" is not loopback, and HTTP without TLS shows keys to the network: set tls, or allowPlaintext`,
    });
  });

export const configurationSchema = z.strictObject({
  dataDir: path.default('data').describe('Where everything is kept.'),
  adminKey: z
    .string()
    .min(32, 'must have at least 32 characters')
    .max(256)
    .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII characters')
    .nullable()
    .default(null)
    .describe('The first admin key. null: one is drawn at the first start and written to admin-key in dataDir.'),
  log: z
    .strictObject({
      level: z.enum(logLevels).default('info'),
      format: z.enum(['auto', 'pretty', 'json']).default('auto'),
    })
    .prefault({}),
  http: httpSchema.prefault({}),
  mqtt: embeddedBrokerSettingsSchema.prefault({}),
  mqttUrl: z
    .string()
    .regex(/^mqtts?:\/\/[^\s/@]+$/, 'must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT]')
    .nullable()
    .default(null)
    .describe(
      'How edges reach the broker; told to them when they enrol. null: by the name they reached this API with.',
    ),
  externalBroker: externalBrokerSettingsSchema
    .nullable()
    .default(null)
    .describe('A broker that runs elsewhere, in place of the one inside.'),
  aggregator: aggregatorSettingsSchema.prefault({}),
  simulation: z
    .strictObject({
      clock: z
        .strictObject({
          simulatedBaseMs: z.number().min(0),
          realBaseMs: z.number().min(0),
          factor: z.number().positive().max(100_000),
        })
        .nullable()
        .default(null)
        .describe('Records go by a clock that runs faster than the real one. For demonstrations only.'),
    })
    .prefault({}),
});
export type Configuration = z.output<typeof configurationSchema>;

/** Environment variables and the keys they set. */
export const configurationVariables = {
  GATEHOUSE_DATA_DIR: 'dataDir',
  GATEHOUSE_ADMIN_KEY: 'adminKey',
  GATEHOUSE_LOG_LEVEL: 'log.level',
  GATEHOUSE_LOG_FORMAT: 'log.format',
  GATEHOUSE_HTTP_HOST: 'http.host',
  GATEHOUSE_HTTP_PORT: 'http.port',
  GATEHOUSE_HTTP_ALLOW_PLAINTEXT: 'http.allowPlaintext',
  GATEHOUSE_HTTP_TRUST_PROXY: 'http.trustProxy',
  GATEHOUSE_METRICS_REQUIRE_KEY: 'http.metricsRequireKey',
  GATEHOUSE_MQTT_HOST: 'mqtt.host',
  GATEHOUSE_MQTT_PORT: 'mqtt.port',
  GATEHOUSE_MQTT_ALLOW_PLAINTEXT: 'mqtt.allowPlaintext',
  GATEHOUSE_MQTT_URL: 'mqttUrl',
} as const;

/** @throws ConfigurationError naming every offending key */
export function readConfiguration(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Configuration {
  return loadConfiguration(configurationSchema, { file, environment, variables: configurationVariables });
}

/** Variables that look like ours and are not. */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(environment).filter((name) => name.startsWith('GATEHOUSE_') && !(name in configurationVariables));
}
