/** Cameras and other readers: those that post what they read over HTTP, and those that publish it at a broker. */
import { isIP } from 'node:net';
import { directionSchema, slugSchema } from '@gatehouse/shared/edge';
import { isLoopbackHost } from '@gatehouse/shared/node';
import { z } from 'zod';
import { mqttPlaceSchema, mqttSourceSchema } from './settings-mqtt.js';
import { movements, postedFormats } from './vocabulary.js';
import type { Movement, PostedFormat } from './vocabulary.js';

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
    direction: directionSchema
      .optional()
      .describe('Which way the vehicles go that it sees. Has to be set at a gate for both directions.'),
    format: z
      .enum([...postedFormats, 'frigate'])
      .default('generic')
      .describe('What it sends.'),
    moving: z
      .enum(movements)
      .optional()
      .describe(
        'Reads that say that the vehicle moves another way are left out: in or out with axis, forward or reverse with hikvision.',
      ),
    looksAhead: z
      .boolean()
      .default(false)
      .describe(
        'With rekor: it sees the way to the gate and not the loop, so that a group, sent when a vehicle has left its picture, is a read.',
      ),
    secretFile: filePath
      .optional()
      .describe('File that holds its secret: 16 to 128 of A-Z, a-z, 0-9, "-", "_". Has to be set without `mqtt`.'),
    address: z
      .string()
      .refine((address) => isIP(address) !== 0, 'must be an IP address')
      .optional()
      .describe('It is heard from this address only.'),
    secretInUrl: z
      .boolean()
      .default(false)
      .describe('For a camera that can set no header: its secret ends the address it sends to. Needs `address`.'),
    mqtt: mqttPlaceSchema.optional().describe('Where it publishes, if it does not post: format frigate or generic.'),
  })
  .superRefine((camera, context) => {
    for (const { path, message } of camera.mqtt === undefined ? problemsOfPosting(camera) : problemsOfMqtt(camera)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
    if (camera.looksAhead && camera.format !== 'rekor') {
      context.addIssue({ code: 'custom', path: ['looksAhead'], message: 'has a meaning with format rekor only' });
    }
    const known: Readonly<Partial<Record<string, readonly Movement[]>>> = movementsOf;
    if (camera.moving === undefined || known[camera.format]?.includes(camera.moving) === true) return;
    const message = `format ${camera.format} never says "${camera.moving}"`;
    context.addIssue({ code: 'custom', path: ['moving'], message });
  });

const movementsOf: Readonly<Partial<Record<PostedFormat, readonly Movement[]>>> = {
  axis: ['in', 'out'],
  hikvision: ['forward', 'reverse'],
};

interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

type Camera = Readonly<{
  format: string;
  secretFile?: string | undefined;
  address?: string | undefined;
  secretInUrl: boolean;
  mqtt?: z.output<typeof mqttPlaceSchema> | undefined;
}>;

function problemsOfPosting({ format, secretFile, address, secretInUrl }: Camera): Problem[] {
  const problems: Problem[] = [];
  if (format === 'frigate') problems.push({ path: ['mqtt'], message: 'has to be set: Frigate publishes at a broker' });
  else if (secretFile === undefined) {
    problems.push({ path: ['secretFile'], message: 'has to be set for a camera that posts' });
  }
  if (secretInUrl && address === undefined) {
    const message =
      'has to be set when secretInUrl is: addresses are written down in logs that secrets should not be in';
    problems.push({ path: ['address'], message });
  }
  return problems;
}

function problemsOfMqtt({ format, secretFile, address, secretInUrl, mqtt }: Camera): Problem[] {
  const posted = { secretFile, address, secretInUrl: secretInUrl || undefined };
  const problems: Problem[] = Object.entries(posted)
    .filter(([, value]) => value !== undefined)
    .map(([key]) => ({ path: [key], message: 'is for cameras that post: the broker knows who may publish' }));
  const [needed, other] = format === 'frigate' ? (['camera', 'topic'] as const) : (['topic', 'camera'] as const);
  if (format !== 'frigate' && format !== 'generic') {
    problems.push({ path: ['format'], message: `${format} is posted: only frigate and generic come over MQTT` });
  } else {
    if (mqtt?.[needed] === undefined) {
      problems.push({ path: ['mqtt', needed], message: `has to be set with format ${format}` });
    }
    if (mqtt?.[other] !== undefined) {
      problems.push({ path: ['mqtt', other], message: `has no meaning with format ${format}` });
    }
  }
  return problems;
}

export const plateReadersSettingsSchema = z
  .strictObject({
    http: listenerSchema.prefault({}).describe('Listens only where a camera posts.'),
    mqtt: z.array(mqttSourceSchema).max(8).default([]).describe('Brokers at which readers publish, as Frigate does.'),
    cameras: z.array(cameraSchema).min(1).max(64),
  })
  .superRefine(({ mqtt, cameras }, context) => {
    const issue = (path: readonly (string | number)[], message: string): void => {
      context.addIssue({ code: 'custom', path: [...path], message });
    };
    const names = new Set<string>(cameras.map(({ cameraId }) => cameraId));
    for (const [index, { sourceId }] of mqtt.entries()) {
      if (names.has(sourceId)) issue(['mqtt', index, 'sourceId'], 'is the name of a camera or another source already');
      names.add(sourceId);
      if (!cameras.some((camera) => camera.mqtt?.sourceId === sourceId)) {
        issue(['mqtt', index, 'sourceId'], 'no camera is found there');
      }
    }
    const places = new Set<string>();
    for (const [index, { mqtt: place }] of cameras.entries()) {
      if (place === undefined) continue;
      const key = place.topic === undefined ? 'camera' : 'topic';
      if (!mqtt.some(({ sourceId }) => sourceId === place.sourceId)) {
        issue(['cameras', index, 'mqtt', 'sourceId'], `readers.mqtt has no ${place.sourceId}`);
      }
      const name = JSON.stringify([place.sourceId, key, place[key]]);
      if (places.has(name)) issue(['cameras', index, 'mqtt', key], 'is another camera’s already');
      places.add(name);
    }
  });
export type PlateReadersSettings = z.output<typeof plateReadersSettingsSchema>;
export type CameraSettings = PlateReadersSettings['cameras'][number];
