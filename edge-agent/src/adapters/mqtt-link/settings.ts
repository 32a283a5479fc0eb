/** How an edge reaches its broker. */
import { z } from 'zod';

export const milliseconds = (defaultMs: number, minMs: number, maxMs: number, what: string) =>
  z.int().min(minMs).max(maxMs).default(defaultMs).describe(`${what} In milliseconds.`);

const filePath = z.string().min(1).max(1_000);

export const brokerTlsSchema = z.strictObject({
  caFile: filePath
    .optional()
    .describe('PEM file of the authority that signed the broker’s certificate; default: the system’s.'),
  certFile: filePath.optional().describe('PEM file of the edge’s own certificate.'),
  keyFile: filePath.optional().describe('PEM file of its key.'),
  servername: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('The name the certificate must carry; default: the host of the URL.'),
});

export const brokerUrlSchema = z
  .string()
  .max(500)
  .refine((url) => /^mqtts?:\/\/[^\s/@]+\/?$/.test(url) && URL.canParse(url), {
    message: 'must be mqtt://HOST:PORT or mqtts://HOST:PORT, without a user name',
    abort: true,
  });

export const brokerSettingsSchema = z
  .strictObject({
    url: brokerUrlSchema
      .optional()
      .describe('Default: what the credential says. Default ports: 1883, and 8883 for mqtts.'),
    allowPlaintext: z
      .boolean()
      .default(false)
      .describe('Lets credentials and events travel unencrypted to another machine.'),
    tls: brokerTlsSchema.prefault({}),
    keepaliveMs: milliseconds(15_000, 1_000, 600_000, 'Between two signs of life of a silent connection.'),
    connectTimeoutMs: milliseconds(10_000, 100, 120_000, 'How long connecting and subscribing may take.'),
    publishTimeoutMs: milliseconds(10_000, 100, 120_000, 'How long the broker may take to accept a message.'),
    reconnectMinMs: milliseconds(500, 10, 60_000, 'Bound of the first wait before connecting again; doubles.'),
    reconnectMaxMs: milliseconds(30_000, 10, 600_000, 'Bound of the longest wait.'),
    refusedRetryMs: milliseconds(60_000, 10, 3_600_000, 'Wait after the broker refused the credential.'),
    stableAfterMs: milliseconds(10_000, 0, 600_000, 'A connection that lasts this long makes the waits short again.'),
    maxPublishesInFlight: z.int().min(1).max(1_000).default(64),
  })
  .refine((broker) => broker.reconnectMaxMs >= broker.reconnectMinMs, {
    path: ['reconnectMaxMs'],
    message: 'must not be below reconnectMinMs',
  })
  .refine((broker) => (broker.tls.certFile === undefined) === (broker.tls.keyFile === undefined), {
    path: ['tls'],
    message: 'certFile and keyFile go together',
  })
  .superRefine((broker, context) => {
    const problem =
      broker.url === undefined || !URL.canParse(broker.url)
        ? undefined
        : plaintextProblem(broker.url, broker.allowPlaintext);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['url'], message: problem });
  });
export type BrokerSettings = z.output<typeof brokerSettingsSchema>;

/** Why this address may not be used, or undefined. Loopback needs no encryption. */
export function plaintextProblem(url: string, allowPlaintext: boolean): string | undefined {
  if (!URL.canParse(url)) return `${url} is not an address`;
  const { protocol, hostname } = new URL(url);
  if (/^(mqtts|https):$/.test(protocol) || allowPlaintext || isLoopback(hostname)) return undefined;
  return `would send the credential to ${hostname} unencrypted: use TLS, or set allowPlaintext if the network is trusted`;
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
