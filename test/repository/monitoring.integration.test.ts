/**
 * Prometheus takes its configurations, and each rule does in its tests what they expect.
 * @needs prometheus
 */
import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { filesIn, monitoring } from '../support/monitoring-files.js';

const promtool = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)('promtool', args).catch((error: unknown) => error as { stdout: string; stderr: string }))
    .stdout;

describe('promtool accepts', () => {
  it.each(filesIn('prometheus').filter((name) => name.endsWith('.yml')))('%s and its rules', async (name) => {
    const output = await promtool('check', 'config', join(monitoring, 'prometheus', name));
    expect(output).toContain(`${String(filesIn('prometheus', 'rules').length)} rule files found`);
    expect(output).toContain('is valid prometheus config file syntax');
    expect(output).not.toContain('FAILED');
  });
});

describe('rules do what is expected in', () => {
  it.each(filesIn('prometheus', 'tests'))('%s', async (name) => {
    const output = await promtool('test', 'rules', join(monitoring, 'prometheus', 'tests', name));
    expect(output.replaceAll(/\s+/g, ' ')).toMatch(/SUCCESS $/);
  });
});
