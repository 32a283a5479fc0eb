/** Where the edge agent tells how it is. */
import { isLoopbackHost } from '@gatehouse/shared/node';
import { z } from 'zod';

export const httpSettingsSchema = z
  .strictObject({
    host: z.string().min(1).max(255).default('127.0.0.1').describe('Address to listen on.'),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .nullable()
      .default(8_001)
      .describe('Of /metrics and /healthz. 0: any free port; null: the agent does not listen.'),
    allowPlaintext: z
      .boolean()
      .default(false)
      .describe(
        'Listen on addresses other than loopback: whoever reaches them can read how the gates are, and how many vehicles passed.',
      ),
  })
  .superRefine(({ host, port, allowPlaintext }, context) => {
    if (port === null || allowPlaintext || isLoopbackHost(host)) return;
    context.addIssue({
      code: 'custom',
      path: ['host'],
      message: `"${host}" is not loopback, and this page has neither TLS nor keys: set allowPlaintext if the network is trusted`,
    });
  });
export type HttpSettings = z.output<typeof httpSettingsSchema>;
