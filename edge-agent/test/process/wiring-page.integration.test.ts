import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEdgeConfiguration } from '../../src/configuration.js';
import { checkGpio } from '../../src/doctor/gpio.js';
import type { GpioWorld, WiredGate } from '../../src/doctor/gpio.js';

const page = join(import.meta.dirname, '../../../docs/how-to/wire-a-barrier.md');
const examples = 3;

/** A Raspberry Pi on which nothing else uses lines. */
const pi: GpioWorld = {
  reach: () =>
    Promise.resolve({
      interface: 'character-device',
      chip: { label: 'pinctrl-bcm2711', lines: 58, path: '/dev/gpiochip0' },
    }),
  exportProblem: () => Promise.resolve(undefined),
  packages: () => Promise.resolve([]),
  usersOf: () => Promise.resolve(new Map()),
};

describe('the examples of the page on wiring', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-wiring-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const load = async (block: string) => {
    const file = join(directory, 'edge.yaml');
    await writeFile(file, `siteId: north\nedgeId: north-pi\n${block}`);
    return loadEdgeConfiguration(file, {}).gates;
  };
  const blocks = async (): Promise<string[]> =>
    [...(await readFile(page, 'utf8')).matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? '');

  it('can be used as they stand, and no relay of theirs draws while a Raspberry Pi boots', async () => {
    const found = await blocks();
    expect(found).toHaveLength(examples);
    for (const block of found) {
      const wired = (await load(block)).map(({ gateId, barrier }): WiredGate => {
        if (barrier.driver === 'simulated') throw new Error(`${gateId} is wired to nothing`);
        const { chipLabel, inputs, outputs } = barrier.settings;
        return { gateId, driver: barrier.driver, chipLabel, inputs, outputs };
      });
      const failed = (await checkGpio(pi, wired, false)).filter(({ verdict }) => verdict === 'fail');
      expect(failed).toEqual([]);
    }
  });

  it('open by a pulse, wire what tells of somebody under the arm so that a broken wire tells of it, and see the arm open', async () => {
    for (const block of await blocks()) {
      for (const { barrier } of await load(block)) {
        if (barrier.driver === 'simulated') throw new Error('wired to nothing');
        const { inputs, outputs } = barrier.settings;
        expect(outputs.open.mode).toBe('pulse');
        expect(inputs['limit-open']).toBeDefined();
        expect(inputs.safety).toBeDefined();
        for (const input of [inputs.safety, inputs.photocell, inputs.stop, inputs.fire]) {
          expect(input?.activeLow ?? false).toBe(false);
        }
      }
    }
  });
});
