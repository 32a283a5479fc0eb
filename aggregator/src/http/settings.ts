/** Settings of the HTTP surface. Every bound has its unit in its name; every member has a default. */
import { z } from 'zod';

const count = (max: number): z.ZodInt => z.int().min(1).max(max);
const ms = (min: number, max: number): z.ZodInt => z.int().min(min).max(max);

const rateSettings = z
  .strictObject({
    requestsPerKeyPerMinute: count(1_000_000).default(3_000),
    requestsPerAddressPerMinute: count(1_000_000)
      .default(1_200)
      .describe('For what needs no key: health, metrics, documentation.'),
    failedKeysPerAddressPerMinute: count(10_000).default(30).describe('Requests with no key, or with a wrong one.'),
    enrolmentsPerAddressPerMinute: count(10_000).default(10),
  })
  .prefault({});

const streamSettings = z
  .strictObject({
    maxStreams: count(10_000).default(100),
    maxStreamsPerKey: count(10_000).default(20),
    heartbeatMs: ms(100, 300_000).default(15_000).describe('A comment line keeps proxies from closing a quiet stream.'),
    maxStallMs: ms(100, 300_000).default(30_000).describe('A reader that takes nothing for this long is cut off.'),
    maxBufferedBytes: count(64 * 1024 * 1024)
      .default(256 * 1024)
      .describe('What is written ahead of one reader.'),
    maxRememberedNotices: count(1_000_000)
      .default(4_096)
      .describe('Notices kept in memory for all readers; who is further behind reads from the store.'),
    batchNotices: count(1_000).default(200),
  })
  .prefault({});

export const httpSettingsSchema = z.strictObject({
  rate: rateSettings,
  stream: streamSettings,
  headersTimeoutMs: ms(100, 600_000).default(10_000),
  requestTimeoutMs: ms(100, 600_000).default(30_000).describe('For a whole request to come in.'),
  handlerTimeoutMs: ms(100, 600_000).default(30_000).describe('For an answer, other than a stream, to begin.'),
  keepAliveTimeoutMs: ms(100, 600_000).default(65_000),
  maxConnections: count(100_000).default(2_000),
  maxConnectionsPerAddress: count(100_000)
    .default(512)
    .describe('Does not hold with trustProxy: everything comes from the proxy then.'),
  trustProxy: z
    .boolean()
    .default(false)
    .describe('Take the address of a caller from X-Forwarded-For. Only behind a proxy that sets it.'),
  metricsRequireKey: z.boolean().default(false).describe('/metrics wants a key of the role observer.'),
  enrolmentCodeLifetimeMs: ms(1_000, 30 * 86_400_000).default(86_400_000),
  admitTtlMs: ms(1_000, 600_000)
    .default(30_000)
    .describe('For how long after an operator admitted a vehicle the gate may open for it.'),
});
export type HttpSettings = z.infer<typeof httpSettingsSchema>;
