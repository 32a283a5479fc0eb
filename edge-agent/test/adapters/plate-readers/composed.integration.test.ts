/** A camera's read on its way through a whole agent, to a broker. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Aedes } from 'aedes';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { silentLogger } from '@gatehouse/shared';
import { createSimulationControlClient } from '../../../src/adapters/simulated-barrier/index.js';
import { composeEdge } from '../../../src/compose.js';
import type { ComposedEdge } from '../../../src/compose.js';
import { edgeConfigurationSchema } from '../../../src/configuration.js';
import { eventually } from '../support/eventually.js';

const secret = 'a-secret-of-cameras';

describe('an edge agent with a camera', () => {
  let directory: string;
  let aedes: Aedes;
  let server: Server;
  let edge: ComposedEdge;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-camera-'));
    await writeFile(join(directory, 'secret'), secret);
    aedes = await Aedes.createBroker();
    server = createServer({ noDelay: true }, aedes.handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const mqttUrl = `mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const identity = { siteId: 'north', edgeId: 'north-1' };
    edge = await composeEdge({
      configuration: edgeConfigurationSchema.parse({
        ...identity,
        dataDir: join(directory, 'data'),
        gates: [{ gateId: 'exit-1', direction: 'exit', hasReader: true, barrier: { driver: 'simulated' } }],
        http: { port: 0 },
        readers: {
          http: { port: 0 },
          cameras: [{ cameraId: 'out-cam', gateId: 'exit-1', secretFile: join(directory, 'secret') }],
        },
      }),
      credential: { ...identity, username: 'north-1', password: 'secret', mqttUrl },
      logger: silentLogger,
      requestRestart: () => undefined,
    });
    await edge.start();
  });
  afterEach(async () => {
    await edge.stop();
    await new Promise<void>((resolve) => {
      aedes.close(resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });

  const read = async (plate: string, confidence: number): Promise<void> => {
    const response = await fetch(`${edge.readersUrl ?? ''}/reads/out-cam`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ plate, confidence }),
    });
    expect([response.status, await response.json()]).toEqual([200, { reads: 1 }]);
  };

  it('opens for the vehicle on the loop, whose arrival carries what several reads say together', async () => {
    // Given a vehicle that stands on the loop, and of which the model of the lane reads another plate
    const control = createSimulationControlClient(edge.controlUrl ?? '');
    await control.sendVehicle('exit-1', { plate: 'MODEL1' });
    const isOnLoop = () => edge.agent.status().gates[0]?.sensors.arming === true;
    await eventually(isOnLoop, 'the vehicle is on the loop');
    // When the camera reads it three times, once wrongly
    await read('kx71 9qd', 0.6);
    await read('KX7I-9QD', 0.5);
    await read('KX719QD', 0.7);
    // Then it arrives as that plate, once, and is let out
    const hasLeft = () => edge.agent.status().gates[0]?.passages.exit === 1;
    await eventually(hasLeft, 'the vehicle has left', 40_000);
    const metrics = await (await fetch(`${edge.httpUrl ?? ''}/metrics`)).text();
    expect(metrics).toMatch(/^gatehouse_agent_reader_requests_total\{reader="out-cam",outcome="read",.*\} 3$/m);
    await edge.stop();
    const events = await eventsOf(join(directory, 'data'));
    const arrivals = events.filter(({ kind }) => kind === 'vehicle-arrived');
    expect(arrivals).toMatchObject([{ credential: { kind: 'plate', value: 'KX719QD', source: 'out-cam' } }]);
    expect(events.filter(({ kind }) => kind === 'vehicle-passed')).toHaveLength(1);
  });
});

async function eventsOf(dataDir: string): Promise<Record<string, unknown>[]> {
  const database = new sqlite3.Database(join(dataDir, 'outbox.sqlite'));
  const rows = await new Promise<{ json: string }[]>((resolve, reject) => {
    database.all<{ json: string }>('SELECT json FROM event ORDER BY seq', (error, found) => {
      if (error === null) resolve(found);
      else reject(error);
    });
  });
  await new Promise((resolve) => {
    database.close(resolve);
  });
  return rows.map(({ json }) => JSON.parse(json) as Record<string, unknown>);
}
