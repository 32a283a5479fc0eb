/**
 * One project a kind of test, chosen by the file's ending:
 *   *.unit.test.ts         the domain and everything pure; no I/O, under a minute in all
 *   *.integration.test.ts  real parts: SQLite, brokers, HTTP, Prometheus tools, Chromium
 *   *.e2e.test.ts          real processes
 * Tests run the workspaces' TypeScript sources, unbuilt, through the `gatehouse-source` export condition.
 */
const common = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['gatehouse-source', 'node'] },
  extensionsToTreatAsEsm: ['.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/support/random-tests.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/.cache/', '<rootDir>/data/'],
};

const project = (kind) => ({ ...common, displayName: kind, testMatch: [`<rootDir>/**/*.${kind}.test.ts`] });

export default { projects: [project('unit'), project('integration'), project('e2e')] };
