/** Hostile input at volume, in short: the command itself, with seeds that stay. Needs the compiled programs. */
import { describe, expect, it, jest } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

jest.setTimeout(300_000);

const program = resolve(import.meta.dirname, '..', 'dist', 'main.js');
/** Each run takes one seed of the list; all are tried by hand when something here has changed. */
const seeds = ['first'] as const;
const volume = 2_500;

interface Report {
  readonly problems: readonly string[];
  readonly mqtt: { readonly sent: number; readonly messages: Readonly<Record<string, number>> };
  readonly http: { readonly drawn: string; readonly sent: number; readonly granted: Readonly<Record<string, number>> };
  readonly centre: { readonly refused: number; readonly refusedByEdge: number; readonly stayedOut: number };
  readonly sockets: { readonly streamsCut: number };
  readonly witness: { readonly passed: number };
}

describe('hostile input', () => {
  it.each(seeds)('from the seed %s costs nobody anything', (seed) => {
    const args = ['fuzz', '--messages', String(volume), '--requests', String(volume), '--seed', seed, '--json'];
    const { stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
      maxBuffer: 16 * 1024 * 1024,
      timeout: 280_000,
    });
    if (stdout === '') throw new Error(stderr);
    const report = JSON.parse(stdout) as Report;
    process.stderr.write(`hostile input: seed ${seed}, drawn ${report.http.drawn}\n`);
    expect(report.problems).toEqual([]);
    expect(report.mqtt.sent).toBeGreaterThanOrEqual(volume);
    expect(report.http.sent).toBeGreaterThanOrEqual(volume);
    // What was sent came as far as it was meant to.
    for (const fate of ['taken', 'unreadable', 'conflict', 'beyond-cursor', 'state', 'log', 'log-unreadable']) {
      expect({ fate, count: report.mqtt.messages[fate] ?? 0 }).toEqual({ fate, count: expect.any(Number) });
      expect(report.mqtt.messages[fate]).toBeGreaterThan(0);
    }
    expect(Object.values(report.http.granted).filter((count) => count > 0).length).toBeGreaterThan(30);
    expect(report.centre.refusedByEdge).toBe(report.centre.refused);
    expect(report.centre.stayedOut).toBeGreaterThan(0);
    expect(report.witness.passed).toBeGreaterThan(10);
  });
});
