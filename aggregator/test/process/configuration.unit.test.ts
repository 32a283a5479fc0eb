import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '@gatehouse/shared/node';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfiguration, unknownVariables } from '../../src/configuration.js';

describe('the configuration of the aggregator', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'gatehouse-configuration-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  const read = (text: string, environment: Record<string, string> = {}) => {
    const file = join(directory, 'configuration.yaml');
    writeFileSync(file, text);
    return readConfiguration(file, environment);
  };
  const problems = (act: () => unknown): readonly string[] => {
    try {
      act();
    } catch (error) {
      if (error instanceof ConfigurationError) return error.problems;
      throw error;
    }
    return [];
  };

  it('has a default for everything, and listens on this machine only', () => {
    const configuration = readConfiguration(undefined, {});
    expect(configuration).toMatchObject({
      dataDir: 'data',
      http: { host: '127.0.0.1', port: 8_000, tls: null, allowPlaintext: false },
      mqtt: { host: '127.0.0.1', port: 1_883 },
      simulation: { clock: null },
    });
  });

  it('takes YAML, JSON, and variables over both', () => {
    expect(read('http: { port: 9000 }').http.port).toBe(9_000);
    expect(read('{"http": {"port": 9001}}').http.port).toBe(9_001);
    const environment = { GATEHOUSE_HTTP_PORT: '9002', GATEHOUSE_DATA_DIR: '/srv/x', GATEHOUSE_LOG_LEVEL: 'warn' };
    const configuration = read('http: { port: 9000 }', environment);
    expect(configuration).toMatchObject({ http: { port: 9_002 }, dataDir: '/srv/x', log: { level: 'warn' } });
  });

  it.each([
    ['colour: red', 'colour: is not a key of this configuration'],
    ['http: { prot: 1 }', 'http.prot: is not a key of this configuration'],
    ['http: { rate: { requests: 1 } }', 'http.rate.requests: is not a key of this configuration'],
    ['http: { port: 70000 }', 'http.port: '],
    ['http: { port: eighty }', 'http.port: '],
    ['http: { host: 0.0.0.0 }', 'http.host: "0.0.0.0" is not loopback'],
    ['mqtt: { host: 0.0.0.0 }', 'mqtt.host: "0.0.0.0" is not loopback'],
    ['adminKey: short', 'adminKey: must have at least 32 characters'],
    ['simulation: { clock: { simulatedBaseMs: 0, realBaseMs: 0, factor: 0 } }', 'simulation.clock.factor: '],
  ])('refuses %j by its key', (text, expected) => {
    expect(problems(() => read(text)).join('\n')).toContain(expected);
  });

  it('names the variable that is wrong, and its key', () => {
    const found = problems(() => readConfiguration(undefined, { GATEHOUSE_HTTP_PORT: 'eighty' }));
    expect(found[0]).toContain('http.port (GATEHOUSE_HTTP_PORT)');
  });

  it('listens elsewhere with TLS, or when plaintext is allowed', () => {
    expect(problems(() => read('http: { host: 0.0.0.0, allowPlaintext: true }'))).toEqual([]);
    expect(problems(() => read('http: { host: 0.0.0.0, tls: { certFile: c, keyFile: k } }'))).toEqual([]);
  });

  it('says what is wrong with a file that is missing or not YAML', () => {
    expect(problems(() => readConfiguration('/no/such/file', {}))[0]).toContain('--config /no/such/file');
    expect(problems(() => read('a: [1')).length).toBeGreaterThan(0);
  });

  it('knows which variables it does not know', () => {
    expect(unknownVariables({ GATEHOUSE_HTP_PORT: '1', GATEHOUSE_HTTP_PORT: '1', PATH: '' })).toEqual([
      'GATEHOUSE_HTP_PORT',
    ]);
  });
});
