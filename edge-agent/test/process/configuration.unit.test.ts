import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '@gatehouse/shared/node';
import { edgeConfigurationSchema, edgeSettingsOf, loadEdgeConfiguration } from '../../src/configuration.js';
import type { EdgeConfigurationInput } from '../../src/configuration.js';
import { edgeSettingsSchema } from '../../src/app/settings.js';

const gate = { gateId: 'entry-1', direction: 'entry', barrier: { driver: 'simulated' } } as const;
const good = { siteId: 'north', edgeId: 'north-1', gates: [gate] } satisfies EdgeConfigurationInput;
const onoff = (bcm: number) => ({
  driver: 'onoff' as const,
  settings: { inputs: { arming: { bcm } }, outputs: { open: { bcm: bcm + 1, mode: 'pulse' as const } } },
});
const onChip = (driver: string, bcm: number, chipLabel?: string) => ({
  driver,
  settings: { ...onoff(bcm).settings, chipLabel },
});
const examples = join(import.meta.dirname, '../../examples');

function problemsOf(value: unknown, environment: Record<string, string> = {}): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-configuration-'));
  const file = join(directory, 'edge.json');
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  try {
    loadEdgeConfiguration(file, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('the configuration of an edge agent', () => {
  it.each(readdirSync(examples))('accepts the example %s', (name) => {
    expect(loadEdgeConfiguration(join(examples, name), {}).gates.length).toBeGreaterThan(0);
  });

  it('lets gates have lines of the same number on different chips', () => {
    const gates = [
      { ...gate, barrier: onChip('gpio', 5, 'one') },
      { ...gate, gateId: 'b', barrier: onChip('character-device', 5, 'another') },
    ];
    expect(problemsOf({ ...good, gates })).toEqual([]);
  });

  it('needs little, and fills in the rest', () => {
    const configuration = edgeConfigurationSchema.parse(good);
    expect(configuration).toMatchObject({
      dataDir: 'data/edge',
      broker: { allowPlaintext: false, keepaliveMs: 15_000 },
    });
    expect(edgeSettingsSchema.parse(edgeSettingsOf(configuration))).toEqual(edgeSettingsOf(configuration));
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown key', { ...good, brokr: {} }, /^brokr: is not a key/],
    [
      'an unknown key deep inside',
      { ...good, gates: [{ ...gate, lane: { closeDelay: 1 } }] },
      /^gates.0.lane.closeDelay: is not a key/,
    ],
    ['a wrong type', { ...good, dataDir: 7 }, /^dataDir: /],
    ['no gate', { ...good, gates: [] }, /^gates: /],
    ['a gate named twice', { ...good, gates: [gate, gate] }, /^gates.1.gateId: is named twice/],
    ['an unknown driver', { ...good, gates: [{ ...gate, barrier: { driver: 'magic' } }] }, /^gates.0.barrier.driver: /],
    ['a bad slug', { ...good, edgeId: 'North 1' }, /^edgeId: must be 1 to 63/],
    [
      'plaintext to another machine',
      { ...good, broker: { url: 'mqtt://gatehouse.example.org' } },
      /^broker.url: would send the credential to gatehouse.example.org unencrypted/,
    ],
    [
      'a certificate without its key',
      { ...good, broker: { tls: { certFile: 'x' } } },
      /^broker.tls: certFile and keyFile go together/,
    ],
    [
      'a broker with a user name',
      { ...good, broker: { url: 'mqtt://me:secret@localhost' } },
      /^broker.url: must be mqtt/,
    ],
    ['a port that cannot be', { ...good, broker: { url: 'mqtt://localhost:99999' } }, /^broker.url: must be mqtt/],
    [
      'two gates on one line',
      {
        ...good,
        gates: [
          { ...gate, barrier: onoff(5) },
          { ...gate, gateId: 'b', barrier: onoff(6) },
        ],
      },
      /^gates.1.barrier.settings: line 6 belongs to gate entry-1/,
    ],
    [
      'two gates on one line, by different drivers and labels that may mean one chip',
      {
        ...good,
        gates: [
          { ...gate, barrier: onChip('gpio', 5, 'pinctrl-rp1') },
          { ...gate, gateId: 'b', barrier: onChip('character-device', 6) },
        ],
      },
      /^gates.1.barrier.settings: line 6 belongs to gate entry-1/,
    ],
    [
      'a bias that sysfs cannot set',
      {
        ...good,
        gates: [
          {
            ...gate,
            barrier: {
              ...onoff(5),
              settings: { ...onoff(5).settings, inputs: { arming: { bcm: 5, bias: 'pull-down' } } },
            },
          },
        ],
      },
      /^gates.0.barrier.settings.inputs.arming.bias: sysfs cannot set it: .* gpio=5=pd .* driver: character-device$/,
    ],
    [
      'a scaled clock for a real barrier',
      {
        ...good,
        gates: [gate, { ...gate, gateId: 'b', barrier: onoff(5) }],
        simulation: { clock: { simulatedBaseMs: 0, realBaseMs: 0, factor: 2 } },
      },
      /^simulation.clock: a real barrier/,
    ],
    [
      'a simulation of nothing',
      { ...good, gates: [{ ...gate, barrier: onoff(5) }], simulation: {} },
      /^simulation: no gate is simulated/,
    ],
    ['a page for everybody', { ...good, http: { host: '0.0.0.0' } }, /^http.host: "0.0.0.0" is not loopback/],
    ['a port of the page that cannot be', { ...good, http: { port: 70_000 } }, /^http.port: /],
    ['no object', '[]', /must hold keys and values/],
    ['malformed YAML', 'a: [', /edge.json: /],
  ])('refuses %s and names the key', (_what, value, sentence) => {
    const problems = problemsOf(value);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(sentence);
  });

  it('allows plaintext to another machine when told to, and to this one always', () => {
    expect(problemsOf({ ...good, broker: { url: 'mqtt://gatehouse.example.org', allowPlaintext: true } })).toEqual([]);
    for (const url of ['mqtt://localhost:1', 'mqtt://127.0.0.2:1', 'mqtt://[::1]:1', 'mqtts://gatehouse.example.org']) {
      expect(problemsOf({ ...good, broker: { url } })).toEqual([]);
    }
  });

  it('has a page on loopback, on another address when told to, or none', () => {
    expect(edgeConfigurationSchema.parse(good).http).toEqual({ host: '127.0.0.1', port: 8_001, allowPlaintext: false });
    for (const host of ['127.0.0.2', 'localhost', '::1']) expect(problemsOf({ ...good, http: { host } })).toEqual([]);
    expect(problemsOf({ ...good, http: { host: '0.0.0.0', allowPlaintext: true } })).toEqual([]);
    expect(problemsOf({ ...good, http: { host: '0.0.0.0', port: null } })).toEqual([]);
    const environment = { GATEHOUSE_EDGE_HTTP_HOST: '::', GATEHOUSE_EDGE_HTTP_PORT: '9001' };
    expect(problemsOf(good, environment)[0]).toMatch(/^http.host \(GATEHOUSE_EDGE_HTTP_HOST\): "::" is not loopback/);
    expect(problemsOf(good, { ...environment, GATEHOUSE_EDGE_HTTP_ALLOW_PLAINTEXT: 'true' })).toEqual([]);
  });

  it('takes variables over the file, names them in problems, and refuses unknown ones', () => {
    expect(problemsOf(good, { GATEHOUSE_EDGE_BROKER_URL: 'nonsense' })[0]).toMatch(
      /^broker.url \(GATEHOUSE_EDGE_BROKER_URL\): must be mqtt/,
    );
    expect(problemsOf(good, { GATEHOUSE_EDGE_BROKR_URL: 'x' })).toEqual([
      'GATEHOUSE_EDGE_BROKR_URL: is not a variable of the edge agent',
    ]);
    expect(problemsOf(good, { GATEHOUSE_HTTP_PORT: '8000' })).toEqual([]);
    expect(problemsOf({ ...good, edgeId: 'X' }, { GATEHOUSE_EDGE_ID: 'north-2' })).toEqual([]);
  });

  it('names a file that is not there', () => {
    expect(() => loadEdgeConfiguration('/no/such/file.yaml', {})).toThrow(/--config \/no\/such\/file.yaml/);
  });
});
