/** The files for containers and monitoring are well-formed, and what they configure is accepted by the programs. */
import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { siteLayoutSchema } from '@gatehouse/shared';
import { readConfiguration } from '../../aggregator/src/configuration.js';
import { loadEdgeConfiguration } from '../../edge-agent/src/configuration.js';

const root = resolve(import.meta.dirname, '..', '..');
const compose = join(root, 'scripts', 'compose');

describe('docker-compose.yml', () => {
  it('has nothing for the linter to find', async () => {
    const dclint = join(root, 'node_modules', 'dclint', 'bin', 'dclint.cjs');
    const file = join(root, 'docker-compose.yml');
    const { stdout } = await promisify(execFile)(process.execPath, [dclint, '--max-warnings', '0', '-f', 'json', file]);
    expect(JSON.parse(stdout)).toMatchObject([{ messages: [] }]);
  });

  it('configures an aggregator and an edge of its site', () => {
    const aggregator = readConfiguration(join(compose, 'aggregator.yaml'), {});
    const edge = loadEdgeConfiguration(join(compose, 'edge.yaml'), {});
    const site = siteLayoutSchema.parse(JSON.parse(readFileSync(join(compose, 'site.json'), 'utf8')));
    expect(aggregator.dataDir).toBe('/data');
    expect(edge.siteId).toBe(site.siteId);
    expect(edge.gates.map(({ gateId, direction }) => ({ gateId, edgeId: edge.edgeId, direction }))).toEqual(
      site.gates.map(({ gateId, edgeId, direction }) => ({ gateId, edgeId, direction })),
    );
  });
});
