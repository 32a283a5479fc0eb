import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  centreFilters,
  centreToEdgeChannels,
  edgeToCentreChannels,
  edgeTopic,
  occupancyTopic,
  parseTopic,
  siteFilter,
} from '../src/index.js';

const slugs = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);
const channels = fc.constantFrom(...edgeToCentreChannels, ...centreToEdgeChannels);

describe('topics', () => {
  it('say what they were built from', () => {
    fc.assert(
      fc.property(slugs, slugs, channels, (siteId, edgeId, channel) => {
        expect(parseTopic(edgeTopic(siteId, edgeId, channel))).toEqual({ type: 'edge', siteId, edgeId, channel });
        expect(parseTopic(occupancyTopic(siteId))).toEqual({ type: 'occupancy', siteId });
      }),
    );
  });

  it('are read only in the one form they are written in', () => {
    fc.assert(
      fc.property(fc.string(), (topic) => {
        const parsed = parseTopic(topic);
        if (parsed === undefined) return;
        expect(topic).toBe(
          parsed.type === 'edge'
            ? edgeTopic(parsed.siteId, parsed.edgeId, parsed.channel)
            : occupancyTopic(parsed.siteId),
        );
      }),
    );
  });

  it.each([
    '',
    'gatehouse/v1',
    'gatehouse/v1/site',
    'gatehouse/v1/site/',
    'gatehouse/v1/site/edge',
    'gatehouse/v1/site/edge/unknown',
    'gatehouse/v1/site/edge/events/more',
    'gatehouse/v2/site/edge/events',
    'gatehouse/v1/Site/edge/events',
    'gatehouse/v1/+/edge/events',
    'gatehouse/v1/site/#',
    'gatehouse/v1/-site/edge/events',
    '/gatehouse/v1/site/edge/events',
    '$SYS/broker/uptime',
    `gatehouse/v1/${'a'.repeat(64)}/edge/events`,
    `gatehouse/v1/site/edge/events${'/'.repeat(200)}`,
  ])('does not know %j', (topic) => {
    expect(parseTopic(topic)).toBeUndefined();
  });

  it.each(['', 'A', 'a/b', '+', '#', '-a', 'a'.repeat(64), 'ä'])('cannot be built from the name %j', (name) => {
    expect(() => edgeTopic(name, 'edge', 'state')).toThrow('must be 1 to 63');
    expect(() => edgeTopic('site', name, 'state')).toThrow('must be 1 to 63');
    expect(() => occupancyTopic(name)).toThrow('must be 1 to 63');
  });

  it('are listened to by the centre as far as edges publish them', () => {
    expect(centreFilters).toEqual(['gatehouse/v1/+/+/state', 'gatehouse/v1/+/+/events', 'gatehouse/v1/+/+/log']);
    expect(siteFilter('demo')).toBe('gatehouse/v1/demo/#');
  });
});
