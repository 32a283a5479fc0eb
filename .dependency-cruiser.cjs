/**
 * Who may import whom. `shared` is the vocabulary; `domain` is pure; `app` runs it through ports; `adapters` and `http` touch the
 * world; the composition files of a package choose adapters.
 *
 * test/repository/dependency-rules.integration.test.ts shows that each rule can fail.
 */

const sharedCore = '^shared/src/(?!node/)';
const sharedNode = '^shared/src/node/';
const zod = '^node_modules/zod/';
const anyTest = ['^test/', '^[^/]+/test/'];
/** The files of a package that choose adapters, and what such files share. */
const composition = '^(edge-agent|aggregator)/src/(main|index|configuration|enrolment|safe-levels|compose[^/]*)[.]ts$';

const rules = [
  {
    name: 'shared-is-vocabulary',
    comment: 'shared imports zod and itself; its platform layer (shared/src/node) is apart.',
    from: { path: sharedCore },
    to: { pathNot: [sharedCore, zod] },
  },
  {
    name: 'shared-node-is-thin',
    comment: 'The platform layer adapts Node.js, pino and yaml to the ports of shared.',
    from: { path: sharedNode },
    to: {
      pathNot: ['^shared/src/', zod, '^node_modules/(pino|pino-pretty|yaml|sonic-boom|thread-stream)/'],
      dependencyTypesNot: ['core'],
    },
  },
  {
    name: 'platform-only-at-the-rim',
    comment: 'Only adapters, http, composition files, simulators and tests use the platform layer.',
    from: {
      path: '^(edge-agent|aggregator|shared)/src/',
      pathNot: [sharedNode, '^(edge-agent|aggregator)/src/(adapters|http)/', composition],
    },
    to: { path: sharedNode },
  },
  {
    name: 'domain-is-pure',
    comment: 'A domain imports itself and shared: no npm package, no Node.js, no app, no adapter.',
    from: { path: '^(edge-agent|aggregator)/src/domain/' },
    to: { pathNot: ['^$1/src/domain/', sharedCore] },
  },
  {
    name: 'app-knows-ports-only',
    comment: 'An app imports its domain, itself, shared, and zod for its settings.',
    from: { path: '^(edge-agent|aggregator)/src/app/' },
    to: { pathNot: ['^$1/src/(app|domain)/', sharedCore, zod] },
  },
  {
    name: 'adapters-do-not-know-http-or-main',
    comment: 'An adapter implements a port; it does not know who chose it.',
    from: { path: '^(edge-agent|aggregator)/src/adapters/' },
    to: { path: ['^(edge-agent|aggregator)/src/http/', composition] },
  },
  {
    name: 'only-main-chooses-adapters',
    comment: 'Adapters are imported by composition files, by each other, by the simulators and by tests.',
    from: { path: '^(edge-agent|aggregator)/src/', pathNot: ['^(edge-agent|aggregator)/src/adapters/', composition] },
    to: { path: '^(edge-agent|aggregator)/src/adapters/' },
  },
  {
    name: 'edge-needs-no-api',
    comment: 'The schemas of the REST API would lie in the memory of a small machine unused.',
    from: { path: '^edge-agent/src/' },
    to: { path: '^shared/src/(index[.]ts|api/)' },
  },
  {
    name: 'edge-knows-no-aggregator',
    comment: 'Edge and aggregator meet on the wire only.',
    from: { path: '^edge-agent/' },
    to: { path: '^(aggregator|simulators)/' },
  },
  {
    name: 'aggregator-knows-no-edge',
    comment: 'Edge and aggregator meet on the wire only.',
    from: { path: '^aggregator/' },
    to: { path: '^(edge-agent|simulators)/' },
  },
  {
    name: 'shared-knows-nobody',
    comment: 'Tests of shared too.',
    from: { path: '^shared/' },
    to: { path: '^(edge-agent|aggregator|simulators)/' },
  },
  {
    name: 'monitoring-meets-programs-on-their-metrics',
    comment:
      'Dashboards know the vocabulary and the builders of Grafana; tests may start the programs that they look at.',
    from: { path: '^monitoring/src/' },
    to: { pathNot: ['^monitoring/src/', sharedCore, '^node_modules/@grafana/grafana-foundation-sdk/'] },
  },
  {
    name: 'programs-know-no-dashboard',
    comment: 'Nothing that runs at a site needs the builders of dashboards.',
    from: { path: '^(shared|edge-agent|aggregator|simulators)/' },
    to: { path: ['^monitoring/', '^node_modules/@grafana/'] },
  },
  {
    name: 'nobody-imports-main',
    comment: 'Such a file runs when it is imported.',
    from: {},
    to: { path: '^[^/]+/src/((demo/)?main|safe-levels)[.]ts$' },
  },
  {
    name: 'safe-levels-start-fast',
    comment: 'The stop hook brings a killed agent’s outputs to their safe level; what it loads keeps the gate waiting.',
    from: { path: '^edge-agent/src/safe-levels[.]ts$' },
    to: { path: '^node_modules/(@?fastify|mqtt|sqlite3|commander)/', reachable: true },
  },
  {
    name: 'no-tests-in-programs',
    comment: 'Programs do not import tests, nor what is compiled from them.',
    from: { pathNot: anyTest },
    to: { path: anyTest },
  },
  {
    name: 'source-not-dist',
    comment: 'Imports name packages or sources, never compiled files.',
    from: {},
    to: { path: '^(shared|edge-agent|aggregator|simulators|monitoring)/dist/' },
  },
  {
    name: 'no-cycles',
    comment: 'Modules that import each other cannot be understood apart.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'declared-packages-only',
    comment: 'A program imports what its own package.json declares.',
    from: { path: '^(shared|edge-agent|aggregator|simulators)/src/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'resolvable',
    comment: 'Every import leads to a file.',
    from: {},
    to: { couldNotResolve: true },
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: rules.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    combinedDependencies: false,
    doNotFollow: { path: '^node_modules/' },
    exclude: { path: ['/dist/[.]tsbuildinfo'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['gatehouse-source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json', '.d.ts'],
    },
  },
};
