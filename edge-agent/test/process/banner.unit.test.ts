import { describe, expect, it } from '@jest/globals';
import { bannerOf } from '../../src/banner.js';
import { edgeConfigurationSchema } from '../../src/configuration.js';

const configuration = edgeConfigurationSchema.parse({
  siteId: 'north',
  edgeId: 'north-1',
  gates: [{ gateId: 'entry-1', direction: 'entry', hasReader: true, barrier: { driver: 'simulated' } }],
});
const told = { configuration, brokerUrl: 'mqtts://hub', httpUrl: undefined, controlUrl: undefined };
const withReaders = {
  ...told,
  readersUrl: 'http://127.0.0.1:8002',
  readerSources: [{ sourceId: 'frigate', url: 'mqtts://nvr' }],
};

describe('the banner', () => {
  it('says where plate readers post, and at which brokers they are heard', () => {
    const lines = bannerOf(withReaders, false).split('\n');
    expect(lines).toContain('  readers   post to http://127.0.0.1:8002/reads/CAMERA');
    expect(lines).toContain('  readers   are heard at mqtts://nvr (frigate)');
    expect(JSON.parse(bannerOf(withReaders, true))).toMatchObject({
      readersUrl: 'http://127.0.0.1:8002',
      readerSources: [{ sourceId: 'frigate', url: 'mqtts://nvr' }],
    });
  });

  it('says nothing of readers where there are none', () => {
    const without = { ...told, readersUrl: undefined, readerSources: [] };
    expect(bannerOf(without, false)).not.toContain('readers ');
    expect(Object.keys(JSON.parse(bannerOf(without, true)) as object)).not.toContain('readerSources');
  });
});
