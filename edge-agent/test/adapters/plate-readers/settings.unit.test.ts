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

  const both = { ...gate, direction: 'both' };
  it.each<[string, object, object, RegExp[]]>([
    ['no direction at a gate for one', gate, {}, []],
    ['the direction of the gate', gate, { direction: 'entry' }, []],
    ['one of the directions of a gate for both', both, { direction: 'exit' }, []],
    [
      'the other direction',
      gate,
      { direction: 'exit' },
      [/^readers\.cameras\.0\.direction: gate entry-1 is for entry alone/],
    ],
    ['no direction at a gate for both', both, {}, [/^readers\.cameras\.0\.direction: has to be set, entry or exit/]],
  ])('judge a camera with %s', (_what, at, change, problems) => {
    expect(problemsOf({ cameras: [{ ...camera, ...change }] }, [at])).toEqual(
      problems.map((problem) => expect.stringMatching(problem)),
    );
  });

  const source = { sourceId: 'frigate', url: 'mqtts://frigate.lan' };
  const frigate = {
    cameraId: 'north-in',
    gateId: 'entry-1',
    format: 'frigate',
    mqtt: { sourceId: 'frigate', camera: 'drive' },
  };
  const topic = { cameraId: 'tags', gateId: 'entry-1', mqtt: { sourceId: 'frigate', topic: 'tags/in' } };
  it('let Frigate, others at its broker, and cameras that post be mixed', () => {
    expect(problemsOf({ mqtt: [source], cameras: [frigate, topic, { ...camera, cameraId: 'third' }] })).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    [
      'a broker of another machine without TLS',
      { mqtt: [{ ...source, url: 'mqtt://frigate.lan' }] },
      /^readers\.mqtt\.0\.url: .*TLS/,
    ],
    [
      'a password without a name',
      { mqtt: [{ ...source, passwordFile: 'p' }] },
      /^readers\.mqtt\.0\.username: has to be set/,
    ],
    ['a certificate without a key', { mqtt: [{ ...source, tls: { certFile: 'c' } }] }, /^readers\.mqtt\.0\.tls: /],
    ['a prefix with a wildcard', { mqtt: [{ ...source, topicPrefix: 'a/#' }] }, /^readers\.mqtt\.0\.topicPrefix: /],
    [
      'a broker that no camera is found at',
      { mqtt: [source, { ...source, sourceId: 'b' }] },
      /^readers\.mqtt\.1\.sourceId: no camera/,
    ],
    [
      'a broker with the name of a camera',
      {
        mqtt: [source, { ...source, sourceId: 'north-in' }],
        cameras: [frigate, { ...topic, mqtt: { ...topic.mqtt, sourceId: 'north-in' } }],
      },
      /^readers\.mqtt\.1\.sourceId: is the name of a camera/,
    ],
    [
      'a broker that is not there',
      { cameras: [frigate], mqtt: [] },
      /^readers\.cameras\.0\.mqtt\.sourceId: readers\.mqtt has no frigate/,
    ],
    [
      'one camera of Frigate twice',
      { cameras: [frigate, { ...frigate, cameraId: 'b' }] },
      /^readers\.cameras\.1\.mqtt\.camera: is another camera’s/,
    ],
    [
      'one topic twice',
      { cameras: [topic, { ...topic, cameraId: 'b' }] },
      /^readers\.cameras\.1\.mqtt\.topic: is another camera’s/,
    ],
    [
      'Frigate without its name of the camera',
      { cameras: [{ ...frigate, mqtt: { sourceId: 'frigate' } }] },
      /^readers\.cameras\.0\.mqtt\.camera: has to be set/,
    ],
    [
      'Frigate with a topic',
      { cameras: [{ ...frigate, mqtt: { ...frigate.mqtt, topic: 't' } }] },
      /^readers\.cameras\.0\.mqtt\.topic: has no meaning/,
    ],
    [
      'a format that is posted',
      { cameras: [{ ...topic, format: 'axis' }] },
      /^readers\.cameras\.0\.format: axis is posted/,
    ],
    [
      'a secret for what is published',
      { cameras: [{ ...topic, secretFile: 's' }] },
      /^readers\.cameras\.0\.secretFile: is for cameras that post/,
    ],
    [
      'an address for what is published',
      { cameras: [{ ...topic, address: '192.0.2.1' }] },
      /^readers\.cameras\.0\.address: is for/,
    ],
    [
      'Frigate that posts',
      { mqtt: [], cameras: [{ ...camera, format: 'frigate' }] },
      /^readers\.cameras\.0\.mqtt: has to be set: Frigate/,
    ],
    [
      'a camera that posts without a secret',
      { mqtt: [], cameras: [{ cameraId: 'a', gateId: 'entry-1' }] },
      /^readers\.cameras\.0\.secretFile: has to be set/,
    ],
    [
      'a word that its format never says',
      { mqtt: [], cameras: [{ ...camera, format: 'hikvision', moving: 'in' }] },
      /^readers\.cameras\.0\.moving: format hikvision never says "in"/,
    ],
    [
      'looking ahead where the format knows nothing of it',
      { mqtt: [], cameras: [{ ...camera, looksAhead: true }] },
      /^readers\.cameras\.0\.looksAhead: /,
    ],
    [
      'a movement where the format tells none',
      { mqtt: [], cameras: [{ ...camera, moving: 'in' }] },
      /^readers\.cameras\.0\.moving: format generic/,
    ],
    ['more brokers than 8', { mqtt: Array(9).fill(source) }, /^readers\.mqtt: /],
  ])('refuse %s', (_what, change, problem) => {
    expect(problemsOf({ mqtt: [source], cameras: [frigate], ...change })).toContainEqual(
      expect.stringMatching(problem),
    );
  });

  it('refuse a camera at a gate that waits for no read', () => {
    const problem = /^readers\.cameras\.0\.gateId: gate entry-1 waits for no read/;
    expect(problemsOf({ cameras: [camera] }, [{ ...gate, hasReader: false }])).toEqual([
      expect.stringMatching(problem),
    ]);
  });
});
