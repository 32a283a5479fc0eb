/** The configuration of a recording, through a whole agent, to the file. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@gatehouse/shared';
import { createSimulationControlClient } from '../../src/adapters/simulated-barrier/index.js';
import { recordingHeaderSchema, recordingLineSchema } from '../../src/app/recording-format.js';
import { composeEdge } from '../../src/compose.js';
import { edgeConfigurationSchema } from '../../src/configuration.js';
import { eventually } from './support/eventually.js';

describe('an edge agent that records', () => {
  it('writes a header and every happening, and no plate', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gatehouse-recording-'));
    const file = join(directory, 'inputs.jsonl');
    const identity = { siteId: 'north', edgeId: 'north-1' };
    const nowMs = Date.now();
    const edge = await composeEdge({
      configuration: edgeConfigurationSchema.parse({
        ...identity,
        dataDir: join(directory, 'data'),
        gates: [{ gateId: 'exit-1', direction: 'exit', hasReader: true, barrier: { driver: 'simulated' } }],
        http: { port: null },
        simulation: { clock: { simulatedBaseMs: nowMs, realBaseMs: nowMs, factor: 10 } },
        recording: { file },
      }),
      // Nobody listens there: the exit opens alone.
      credential: { ...identity, username: 'north-1', password: 'secret', mqttUrl: 'mqtt://127.0.0.1:9' },
      logger: silentLogger,
      requestRestart: () => undefined,
    });
    try {
      await edge.start();
      await createSimulationControlClient(edge.controlUrl ?? '').sendVehicle('exit-1', { plate: 'KX719QD' });
      const hasLeft = () => edge.agent.status().gates[0]?.passages.exit === 1;
      await eventually(hasLeft, 'the vehicle has left', 40_000);
    } finally {
      await edge.stop();
    }
    const text = await readFile(file, 'utf8');
    const [header, ...lines] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(recordingHeaderSchema.parse(header)).toMatchObject({ origin: 'simulated', gates: [{ gateId: 'exit-1' }] });
    const types = lines.map((line) => recordingLineSchema.parse(line).type);
    // Whether the model's camera reads the plate is left to chance.
    expect(types).toEqual(expect.arrayContaining(['started', 'edge', 'local-choice', 'admission-recorded']));
    expect(text).not.toContain('KX719QD');
    await rm(directory, { recursive: true });
  });
});
