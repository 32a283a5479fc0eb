import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { testFiles, testKinds } from '../../scripts/lib/jest.mjs';
import { installCommand, missingPackages, onPath, systemPackages } from '../../scripts/lib/system-packages.mjs';

const root = resolve(import.meta.dirname, '..', '..');
const thisFile = 'test/repository/system-packages.unit.test.ts';

describe('system packages that tests need', () => {
  it('are named by every test file that starts their programs', () => {
    const undeclared = testKinds
      .flatMap(testFiles)
      .filter(({ file }) => file !== thisFile)
      .flatMap(({ file, needs }) => {
        const source = readFileSync(join(root, file), 'utf8');
        return Object.entries(systemPackages)
          .filter(
            ([name, { program }]) => new RegExp(`['/]${program}'`).test(source) && !needs.some((need) => need === name),
          )
          .map(([name]) => `${file} needs ${name}`);
      });
    expect(undeclared).toEqual([]);
  });

  it('are missing when their program is not on the path', () => {
    const path = process.env.PATH;
    try {
      process.env.PATH = '/nowhere';
      expect(onPath('node')).toBe(false);
      process.env.PATH = '';
      expect(missingPackages([])).toEqual([]);
    } finally {
      process.env.PATH = path;
    }
  });

  it('come with the command that installs them', () => {
    expect(installCommand(['mosquitto', 'mosquitto-clients'])).toBe(
      'apt-get install -y --no-install-recommends mosquitto mosquitto-clients',
    );
  });
});
