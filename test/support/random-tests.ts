/**
 * Makes random tests repeatable: a failure prints the one command that shows the same case again. The seed and the path to the
 * smallest counterexample come in through the environment.
 */
import { expect } from '@jest/globals';
import fc from 'fast-check';
import path from 'node:path';

const { GATEHOUSE_TEST_SEED: seed, GATEHOUSE_TEST_PATH: counterexample } = process.env;

fc.configureGlobal({
  ...(seed === undefined ? {} : { seed: Number(seed) }),
  ...(counterexample === undefined ? {} : { path: counterexample, endOnFailure: true }),
  // A plugin would do the same, but only one test at a time can be given plugins.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  reporter: (run) => {
    if (!run.failed) return;
    const again = `Again: ${replayCommand(run.seed, run.counterexamplePath)}`;
    throw new Error(`${fc.defaultReportMessage(run)}\n\n${again}`, { cause: run.errorInstance });
  },
});

function replayCommand(failedSeed: number, failedPath: string | null): string {
  const { testPath = '', currentTestName = '' } = expect.getState();
  const file = path.relative(process.cwd(), testPath);
  const kind = /\.(unit|integration|e2e)\.test\.ts$/.exec(file)?.[1] ?? 'unit';
  const where = failedPath === null ? '' : ` GATEHOUSE_TEST_PATH=${failedPath}`;
  return `GATEHOUSE_TEST_SEED=${String(failedSeed)}${where} npm run test:${kind} -- ${file} -t '${currentTestName}'`;
}
