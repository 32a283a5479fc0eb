/** `.ci/run` counts what its parts count, and fails when any of them failed or was not run. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

const script = resolve(import.meta.dirname, '..', '..', '.ci', 'run');

interface Part {
  readonly lines: readonly string[];
  readonly code: number;
}

const wellDone: Part = { lines: ['some test', '40 passed, 0 failed'], code: 0 };
const bench: Part = { lines: ['a benchmark', '7 passed, 0 failed'], code: 0 };
const images: Part = { lines: ['a build', '23 passed, 0 failed'], code: 0 };
const deb: Part = { lines: ['a package', '19 passed, 0 failed'], code: 0 };
const machine: Part = { lines: ['a machine', '30 passed, 0 failed'], code: 0 };

describe('.ci/run', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-ci-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Runs it with an npm that says what is given. */
  function run(
    tests: Part,
    built: Part,
    packaged = deb,
    emulated = machine,
    measured = bench,
  ): { code: number | null; lines: string[] } {
    const say = ({ lines, code }: Part) =>
      `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}; exit ${String(code)}`;
    const npm = `#!/bin/sh\ncase "$*" in\n*test:bench) ${say(measured)};;\n*test:images) ${say(built)};;\n*test:deb) ${say(packaged)};;\n*test:gpio) ${say(emulated)};;\n'test --silent -- --strict') ${say(tests)};;\nesac\nexit 99\n`;
    writeFileSync(join(folder, 'npm'), npm, { mode: 0o755 });
    const environment = { ...process.env, PATH: [folder, process.env.PATH ?? ''].join(delimiter) };
    const { status, stdout } = spawnSync('bash', [script], { env: environment, encoding: 'utf8' });
    return { code: status, lines: stdout.trimEnd().split('\n') };
  }

  it('adds up tests, benchmarks, images, package and machine', () => {
    const { code, lines } = run(wellDone, images);
    expect({ code, last: lines.at(-1) }).toEqual({ code: 0, last: '119 passed, 0 failed' });
    expect(lines).toEqual(expect.arrayContaining(['some test', 'a benchmark', 'a build', 'a package', 'a machine']));
  });

  it.each<[string, Part, Part, string]>([
    ['a test fails', { lines: ['39 passed, 1 failed'], code: 1 }, images, '118 passed, 1 failed'],
    ['a test fails and nobody says so', { lines: ['39 passed, 1 failed'], code: 0 }, images, '118 passed, 1 failed'],
    ['an image fails', wellDone, { lines: ['20 passed, 3 failed'], code: 1 }, '116 passed, 3 failed'],
    [
      'the images are not run',
      wellDone,
      { lines: ['not run: images', '0 passed, 0 failed'], code: 0 },
      '96 passed, 1 failed',
    ],
    [
      'a test is not run',
      { lines: ['not run: a file', '40 passed, 0 failed'], code: 0 },
      images,
      '119 passed, 1 failed',
    ],
    ['a part ends with an error', { lines: ['40 passed, 0 failed'], code: 7 }, images, '119 passed, 1 failed'],
    ['a part does not get to its count', wellDone, { lines: ['killed'], code: 0 }, '96 passed, 1 failed'],
  ])('fails when %s', (_, tests, built, last) => {
    const { code, lines } = run(tests, built);
    expect({ code, last: lines.at(-1) }).toEqual({ code: 1, last });
  });

  it('fails when the package fails, or is not run', () => {
    const failing = run(wellDone, images, { lines: ['18 passed, 1 failed'], code: 1 });
    expect([failing.code, failing.lines.at(-1)]).toEqual([1, '118 passed, 1 failed']);
    const notRun = run(wellDone, images, { lines: ['not run: package', '0 passed, 0 failed'], code: 0 });
    expect([notRun.code, notRun.lines.at(-1)]).toEqual([1, '100 passed, 1 failed']);
  });

  it('fails when the machine with a GPIO chip is not run', () => {
    const notRun = run(wellDone, images, deb, { lines: ['not run: GPIO', '0 passed, 0 failed'], code: 0 });
    expect([notRun.code, notRun.lines.at(-1)]).toEqual([1, '89 passed, 1 failed']);
  });

  it('fails when something became many times slower', () => {
    const slower = run(wellDone, images, deb, machine, { lines: ['6 passed, 1 failed'], code: 1 });
    expect([slower.code, slower.lines.at(-1)]).toEqual([1, '118 passed, 1 failed']);
  });

  it('builds the images also when a test failed', () => {
    expect(run({ lines: ['0 passed, 1 failed'], code: 1 }, images).lines).toContain('a build');
  });
});
