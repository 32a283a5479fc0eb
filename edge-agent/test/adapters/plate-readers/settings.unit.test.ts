import { describe, expect, it } from '@jest/globals';
import { edgeConfigurationSchema } from '../../../src/configuration.js';

const gate = { gateId: 'entry-1', direction: 'entry', hasReader: true, barrier: { driver: 'simulated' } };
const camera = { cameraId: 'north-in', gateId: 'entry-1', secretFile: '/etc/secret' };

function problemsOf(readers: object, gates: readonly object[] = [gate]): readonly string[] {
  const result = edgeConfigurationSchema.safeParse({ siteId: 'north', edgeId: 'north-1', gates, readers });
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
}

describe('the settings of plate readers', () => {
  it('need a camera and its secret, and listen on loopback unless told otherwise', () => {
    const readers = { cameras: [camera] };
    const { http } = edgeConfigurationSchema.parse({ siteId: 'n', edgeId: 'n', gates: [gate], readers }).readers ?? {};
    expect(http).toMatchObject({ host: '127.0.0.1', port: 8_002, allowPlaintext: false });
  });

  it.each<[string, object]>([
    ['with TLS', { http: { host: '0.0.0.0', tls: { certFile: 'c', keyFile: 'k' } }, cameras: [camera] }],
    ['in plaintext when allowed', { http: { host: '0.0.0.0', allowPlaintext: true }, cameras: [camera] }],
  ])('let cameras of other machines in %s', (_how, readers) => {
    expect(problemsOf(readers)).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['plaintext for other machines', { http: { host: '192.0.2.1' }, cameras: [camera] }, /^readers\.http\.host: .*TLS/],
    ['no camera', { cameras: [] }, /^readers\.cameras: /],
    ['two cameras of one name', { cameras: [camera, camera] }, /^readers\.cameras\.1\.cameraId: is named twice/],
    [
      'no such gate',
      { cameras: [{ ...camera, gateId: 'x' }] },
      /^readers\.cameras\.0\.gateId: this edge has no gate x/,
    ],
    [
      'a secret in the address without an address',
      { cameras: [{ ...camera, secretInUrl: true }] },
      /^readers\.cameras\.0\.address: has to be set/,
    ],
    [
      'an address that is a name',
      { cameras: [{ ...camera, address: 'cam.lan' }] },
      /^readers\.cameras\.0\.address: must/,
    ],
    ['an unknown format', { cameras: [{ ...camera, format: 'magic' }] }, /^readers\.cameras\.0\.format: /],
  ])('refuse %s', (_what, readers, problem) => {
    expect(problemsOf(readers)).toEqual([expect.stringMatching(problem)]);
  });

  it('refuse a camera at a gate that waits for no read', () => {
    const problem = /^readers\.cameras\.0\.gateId: gate entry-1 waits for no read/;
    expect(problemsOf({ cameras: [camera] }, [{ ...gate, hasReader: false }])).toEqual([
      expect.stringMatching(problem),
    ]);
  });
});
