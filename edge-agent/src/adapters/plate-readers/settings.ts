/** Cameras and other readers that send what they read over HTTP. */
import { isIP } from 'node:net';
import { slugSchema } from '@gatehouse/shared';
import { isLoopbackHost } from '@gatehouse/shared/node';
import { z } from 'zod';
import { readerFormats } from './formats.js';

const filePath = z.string().min(1).max(1_000);

const listenerSchema = z
  .strictObject({
    host: z.string().min(1).max(255).default('127.0.0.1').describe('Address to listen on.'),
    port: z.int().min(0).max(65_535).default(8_002).describe('0: any free port.'),
    allowPlaintext: z
      .boolean()
      .default(false)
      .describe('Listen without TLS on addresses other than loopback: secrets and plates can be read on that network.'),
    tls: z
      .strictObject({ certFile: filePath.describe('PEM, with intermediates.'), keyFile: filePath })
      .optional()
      .describe('For cameras that speak HTTPS.'),
    maxBodyBytes: z
      .int()
      .min(1_024)
      .max(16 * 1024 * 1024)
      .default(4 * 1024 * 1024)
      .describe('Of one request, its pictures included.'),
    maxBodiesAtOnce: z.int().min(1).max(64).default(8).describe('Requests that are taken in at the same time.'),
    requestsPerAddressPerMinute: z.int().min(1).max(60_000).default(1_200),
  })
  .superRefine(({ host, tls, allowPlaintext }, context) => {
    if (tls !== undefined || allowPlaintext || isLoopbackHost(host)) return;
    context.addIssue({
      code: 'custom',
      path: ['host'],
      message: `"${host}" is not loopback, and HTTP without TLS shows secrets and plates to the network: set tls, or allowPlaintext`,
    });
  });

const cameraSchema = z
  .strictObject({
    cameraId: slugSchema.describe('Names it in its address, in the log, and as the source of its reads.'),
    gateId: slugSchema.describe('The gate whose vehicles it sees.'),
    format: z.enum(readerFormats).default('generic').describe('What it sends.'),
    secretFile: filePath.describe('File that holds its secret: 16 to 128 of A-Z, a-z, 0-9, "-", "_".'),
    address: z
      .string()
      .refine((address) => isIP(address) !== 0, 'must be an IP address')
      .optional()
      .describe('It is heard from this address only.'),
    secretInUrl: z
      .boolean()
      .default(false)
      .describe('For a camera that can set no header: its secret ends the address it sends to. Needs `address`.'),
  })
  .refine((camera) => !camera.secretInUrl || camera.address !== undefined, {
    path: ['address'],
    message: 'has to be set when secretInUrl is: addresses are written down in logs that secrets should not be in',
  });

export const plateReadersSettingsSchema = z.strictObject({
  http: listenerSchema.prefault({}),
  cameras: z.array(cameraSchema).min(1).max(64),
});
export type PlateReadersSettings = z.output<typeof plateReadersSettingsSchema>;
export type CameraSettings = PlateReadersSettings['cameras'][number];
