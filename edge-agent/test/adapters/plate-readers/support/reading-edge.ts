import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import sqlite3 from 'sqlite3';
import { silentLogger } from '@gatehouse/shared';
import { createSimulationControlClient } from '../../../../src/adapters/simulated-barrier/index.js';
import type { SimulationControlClient } from '../../../../src/adapters/simulated-barrier/index.js';
import { composeEdge } from '../../../../src/compose.js';
import type { ArrivalStatus } from '../../../../src/app/status.js';
import type { ComposedEdge } from '../../../../src/compose.js';
import { edgeConfigurationSchema } from '../../../../src/configuration.js';
import { eventually } from '../../support/eventually.js';

const secret = 'a-secret-of-cameras';

export interface StoredEvent {
  readonly kind: string;
  readonly credential?: { readonly kind: string; readonly value: string; readonly source: string } | null;
  readonly [field: string]: unknown;
}

/** A whole agent with one simulated gate, a broker that serves it and Frigate alike, and nobody who answers. */
export interface ReadingEdge {
  readonly edge: ComposedEdge;
  readonly control: SimulationControlClient;
  /** Posts JSON as this camera; answers what the agent says. */
  post(cameraId: string, payload: object): Promise<unknown>;
  /** Publishes as Frigate does. */
  publish(topic: string, payload: object): Promise<void>;
  /** The arrival of the vehicle that is there. */
  readonly arrival: ArrivalStatus | null;
  /** These wait. */
  isOnLoop(): Promise<void>;
  isEmpty(): Promise<void>;
  hasArrived(): Promise<void>;
  isAdmitted(): Promise<void>;
  isDenied(): Promise<void>;
  havePassed(vehicles: number): Promise<void>;
  /** Stops the agent; answers what its outbox holds. */
  events(): Promise<StoredEvent[]>;
  stop(): Promise<void>;
}

export interface ReadingEdgeOptions {
  readonly gate: { readonly direction: string; readonly lane?: object };
  readonly cameras: readonly { readonly cameraId: string; readonly [key: string]: unknown }[];
  /** Of readers; default: the one of everybody. */
  readonly readersBrokerUrl?: string;
}

export async function startReadingEdge({ gate, cameras, readersBrokerUrl }: ReadingEdgeOptions): Promise<ReadingEdge> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-reading-'));
  const secretFile = join(directory, 'secret');
  await writeFile(secretFile, secret);
  const aedes = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mqttUrl = `mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const identity = { siteId: 'north', edgeId: 'north-1' };
  const needsBroker = cameras.some((camera) => 'mqtt' in camera);
  const edge = await composeEdge({
    configuration: edgeConfigurationSchema.parse({
      ...identity,
      dataDir: join(directory, 'data'),
      gates: [
        {
          gateId: 'gate',
          hasReader: true,
          barrier: {
            driver: 'simulated',
            settings: {
              ...{ armOpenMs: 100, armCloseMs: 100, detectorResponseMs: 0, minSpeedKmh: 20, maxSpeedKmh: 20 },
              ...{ minReactionMs: 50, maxReactionMs: 50, signPatienceMs: 3_600_000, patienceMs: 3_600_000 },
            },
          },
          ...gate,
        },
      ],
      http: { port: 0 },
      protocol: { decisionTimeoutMs: 50 },
      readers: {
        http: { port: 0 },
        mqtt: needsBroker ? [{ sourceId: 'frigate', url: readersBrokerUrl ?? mqttUrl }] : [],
        cameras: cameras.map((camera) => ({
          gateId: 'gate',
          ...('mqtt' in camera ? {} : { secretFile }),
          ...camera,
        })),
      },
    }),
    credential: { ...identity, username: 'north-1', password: 'secret', mqttUrl },
    logger: silentLogger,
    requestRestart: () => undefined,
  });
  await edge.start();
  const areHeard = () => edge.readerSources.every(({ isUp }) => isUp);
  if (readersBrokerUrl === undefined) await eventually(areHeard, 'readers are heard');
  const gateNow = () => edge.agent.status().gates[0];
  return {
    edge,
    control: createSimulationControlClient(edge.controlUrl ?? ''),
    async post(cameraId, payload) {
      const response = await fetch(`${edge.readersUrl ?? ''}/reads/${cameraId}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify(payload),
      });
      return response.json();
    },
    publish: (topic, payload) =>
      new Promise((resolve, reject) => {
        const packet = { cmd: 'publish', topic, payload: JSON.stringify(payload) } as const;
        aedes.publish({ ...packet, qos: 0, retain: false, dup: false }, (error) => {
          if (error instanceof Error) reject(error);
          else resolve();
        });
      }),
    get arrival() {
      return gateNow()?.arrival ?? null;
    },
    isOnLoop: () => eventually(() => gateNow()?.sensors.arming === true, 'a vehicle is on the loop', 30_000),
    isEmpty: () => eventually(() => gateNow()?.vehicle === null, 'the lane is empty', 30_000),
    hasArrived: () => eventually(() => gateNow()?.arrival?.seq != null, 'a vehicle has arrived', 30_000),
    isAdmitted: () => eventually(() => gateNow()?.arrival?.progress === 'admitted', 'it is let in', 30_000),
    isDenied: () => eventually(() => gateNow()?.arrival?.progress === 'denied', 'it is turned away', 30_000),
    havePassed(vehicles) {
      const passages = () => (gateNow()?.passages.entry ?? 0) + (gateNow()?.passages.exit ?? 0);
      return eventually(() => passages() >= vehicles, `${String(vehicles)} have passed`, 30_000);
    },
    async events() {
      await edge.stop();
      return eventsOf(join(directory, 'data'));
    },
    async stop() {
      await edge.stop();
      await new Promise<void>((resolve) => {
        aedes.close(resolve);
      });
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function eventsOf(dataDir: string): Promise<StoredEvent[]> {
  const database = new sqlite3.Database(join(dataDir, 'outbox.sqlite'), sqlite3.OPEN_READONLY);
  const rows = await new Promise<{ json: string }[]>((resolve, reject) => {
    database.all<{ json: string }>('SELECT json FROM event ORDER BY seq', (error, found) => {
      if (error === null) resolve(found);
      else reject(error);
    });
  });
  await new Promise((resolve) => {
    database.close(resolve);
  });
  return rows.map(({ json }) => JSON.parse(json) as StoredEvent);
}
