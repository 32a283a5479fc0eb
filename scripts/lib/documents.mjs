/** Documents that are made from the code, so that they cannot say anything else than it does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { configurationSchema, configurationVariables } from '../../aggregator/dist/configuration.js';
import { openApiDocument } from '../../aggregator/dist/http/openapi.js';
import { allRoutes } from '../../aggregator/dist/http/routes/index.js';
import { edgeConfigurationSchema, edgeVariables } from '../../edge-agent/dist/configuration.js';
import { dashboards } from '../../monitoring/dist/index.js';
import { asyncApiDocument } from '../../shared/dist/tools/asyncapi.js';
import { wireSequences } from '../../shared/dist/tools/wire-sequences.js';
import { configurationReference } from './configuration-reference.mjs';
import { metricsReference } from './metrics-reference.mjs';
import { aggregatorExposition, edgeExposition } from './metrics-specimen.mjs';
import { root } from './project.mjs';

/** @typedef {{ path: string, text: string }} GeneratedDocument */

const programs = [
  {
    title: 'Aggregator',
    introduction: '`npm run aggregator -- --config FILE`. Everything has a default.',
    schema: configurationSchema,
    variables: configurationVariables,
  },
  {
    title: 'Edge agent',
    introduction: '`npm run edge -- --config FILE`.',
    schema: edgeConfigurationSchema,
    variables: edgeVariables,
  },
];

/** Every generated document as it should read, formatted.
 * @returns {Promise<GeneratedDocument[]>}
 */
export async function generatedDocuments() {
  const options = await resolveConfig(join(root, 'package.json'));
  const documents = [
    { path: 'docs/reference/asyncapi.json', text: JSON.stringify(asyncApiDocument(version(), fixtures())) },
    {
      path: 'docs/reference/openapi.json',
      text: JSON.stringify(openApiDocument(allRoutes({ metricsRequireKey: false }), version())),
    },
    { path: 'docs/reference/wire-sequences.md', text: wireSequences() },
    { path: 'docs/reference/configuration.md', text: configurationReference(programs) },
    { path: 'docs/reference/metrics.md', text: metricsReference(await monitoredPrograms()) },
    ...dashboardDocuments(),
  ];
  return Promise.all(
    documents.map(async ({ path, text }) => ({ path, text: await format(text, { ...options, filepath: path }) })),
  );
}

/** @returns {GeneratedDocument[]} */
function dashboardDocuments() {
  const runbook = readOrNothing(join(root, 'monitoring', 'runbook.md'));
  return Object.entries(dashboards(runbook)).map(([name, dashboard]) => ({
    path: `monitoring/grafana/dashboards/${name}.json`,
    text: JSON.stringify(dashboard),
  }));
}

async function monitoredPrograms() {
  return [
    {
      title: 'Aggregator',
      introduction: 'At `/metrics` of its API, by default `http://127.0.0.1:8000/metrics`.',
      exposition: await aggregatorExposition(),
    },
    {
      title: 'Edge agent',
      introduction:
        'At `/metrics` of its own page, by default `http://127.0.0.1:8001/metrics`. Every series has the labels `site` and `edge`. What Prometheus cannot reach there the aggregator tells of the edge as it was reported last.',
      exposition: await edgeExposition(),
      commonLabels: ['site', 'edge'],
    },
  ];
}

function version() {
  const manifest = /** @type {{ version: string }} */ (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  return manifest.version;
}

/** The golden fixtures that are valid.
 * @returns {import('../../shared/dist/tools/asyncapi.js').Fixture[]}
 */
function fixtures() {
  const folder = join(root, 'shared', 'fixtures', 'valid');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.json'))
    .sort()
    .map((path) => {
      const [channel = '', file = ''] = path.split('/');
      const payload = /** @type {Record<string, unknown>} */ (JSON.parse(readFileSync(join(folder, path), 'utf8')));
      return { channel, name: file.replace(/[.]json$/, ''), payload };
    });
}

/** Generated documents that differ from what is in the checkout.
 * @returns {Promise<GeneratedDocument[]>}
 */
export async function staleDocuments() {
  const documents = await generatedDocuments();
  return documents.filter(({ path, text }) => readOrNothing(join(root, path)) !== text);
}

/** @param {string} path */
function readOrNothing(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return `${relative(root, path)} is not there`;
  }
}
