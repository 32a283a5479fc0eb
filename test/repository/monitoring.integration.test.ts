/**
 * The configuration of Prometheus is one that Prometheus takes.
 * @needs prometheus
 */
import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

it('promtool accepts prometheus.yml', async () => {
  const file = join(resolve(import.meta.dirname, '..', '..'), 'monitoring', 'prometheus', 'prometheus.yml');
  const { stdout } = await promisify(execFile)('promtool', ['check', 'config', file]);
  expect(stdout).toContain('SUCCESS');
});
