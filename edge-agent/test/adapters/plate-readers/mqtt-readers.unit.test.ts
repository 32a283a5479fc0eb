/** What becomes of the messages of one broker: which camera they are of, and their bounds. */
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@gatehouse/shared';
import { createDelivery } from '../../../src/adapters/plate-readers/delivery.js';
import { camerasAt, createMqttReaders, topicsOf } from '../../../src/adapters/plate-readers/mqtt-readers.js';
import { plateReadersSettingsSchema } from '../../../src/adapters/plate-readers/settings.js';
import { createReaderTally } from '../../../src/adapters/plate-readers/tally.js';
import type { CredentialRead } from '../../../src/app/ports.js';
import { createManualClock } from '../support/manual-clock.js';

const lpr = (camera: string, change: object = {}) =>
  JSON.stringify({ type: 'lpr', id: '1.5-a', plate: 'KX719QD', score: 0.9, camera, ...change });
const generic = JSON.stringify({ plate: 'AB12CDE', confidence: 0.8, track: '7' });

function newDesk(bounds: object = {}) {
  const settings = plateReadersSettingsSchema.parse({
    mqtt: [{ sourceId: 'frigate', url: 'mqtt://127.0.0.1:1', topicPrefix: 'site/frigate', ...bounds }],
    cameras: [
      {
        cameraId: 'north-in',
        gateId: 'both-1',
        direction: 'entry',
        format: 'frigate',
        mqtt: { sourceId: 'frigate', camera: 'drive' },
      },
      { cameraId: 'tags', gateId: 'both-1', direction: 'exit', mqtt: { sourceId: 'frigate', topic: 'tags/out' } },
    ],
  });
  const [source] = settings.mqtt;
  if (source === undefined) throw new Error('no source');
  const cameras = camerasAt(settings, source);
  const clock = createManualClock();
  const tally = createReaderTally(['north-in', 'tags', 'frigate'], { clock, logger: silentLogger });
  const reads: CredentialRead[] = [];
  const deliver = createDelivery((read) => reads.push(read), { tally, clock });
  const take = createMqttReaders({ settings: source, cameras, tally, clock, deliver });
  return {
    clock,
    reads,
    topics: topicsOf(source, cameras),
    counts: (name: string) => tally.counts.get(name),
    say: (topic: string, text: string, isRetained = false) => {
      take({ topic, payload: Buffer.from(text), isRetained });
    },
  };
}

describe('the readers at a broker', () => {
  it('are told apart by Frigate’s name of the camera, or by the topic', () => {
    const desk = newDesk();
    expect(desk.topics).toEqual(['tags/out', 'site/frigate/tracked_object_update', 'site/frigate/events']);
    desk.say('site/frigate/tracked_object_update', lpr('drive'));
    desk.say('tags/out', generic);
    expect(desk.reads).toMatchObject([
      { gateId: 'both-1', direction: 'entry', trackId: 'north-in/1.5-a', credential: { source: 'north-in' } },
      { gateId: 'both-1', direction: 'exit', trackId: 'tags/7', credential: { source: 'tags', value: 'AB12CDE' } },
    ]);
  });

  it('are not disturbed by cameras that look at no gate, nor by messages of no camera', () => {
    const desk = newDesk();
    desk.say('site/frigate/tracked_object_update', lpr('garden'));
    desk.say('site/frigate/tracked_object_update', lpr('garden', { score: 'much' }));
    desk.say('site/frigate/tracked_object_update', '{"type": "model_state"}');
    desk.say('site/frigate/elsewhere', 'x');
    expect(desk.reads).toEqual([]);
    expect(desk.counts('frigate')).toEqual({ reads: 0, ignored: 3, refused: 0 });
  });

  it('are refused by name, or by that of the source, and counted', () => {
    const desk = newDesk();
    desk.say('site/frigate/tracked_object_update', lpr('drive', { score: 90 }));
    desk.say('tags/out', '{}');
    desk.say('site/frigate/events', 'x');
    desk.say('site/frigate/tracked_object_update', lpr('drive', { camera: undefined }));
    expect(desk.reads).toEqual([]);
    for (const [name, refused] of Object.entries({ 'north-in': 1, tags: 1, frigate: 2 })) {
      expect([name, desk.counts(name)]).toEqual([name, { reads: 0, ignored: 0, refused }]);
    }
  });

  it('give no read by what the broker kept: nobody knows of which vehicle it was', () => {
    const desk = newDesk();
    desk.say('tags/out', generic, true);
    expect([desk.reads, desk.counts('tags')]).toEqual([[], { reads: 0, ignored: 1, refused: 0 }]);
  });

  it('are heard up to maxMessageBytes, and not beyond', () => {
    const desk = newDesk({ maxMessageBytes: 1_024 });
    desk.say('tags/out', generic.padEnd(1_024));
    expect(desk.reads).toHaveLength(1);
    desk.say('tags/out', generic.padEnd(1_025));
    expect(desk.reads).toHaveLength(1);
    expect(desk.counts('tags')).toEqual({ reads: 1, ignored: 0, refused: 1 });
  });

  it('are heard maxMessagesPerSecond times in a second, and again in the next', () => {
    const desk = newDesk({ maxMessagesPerSecond: 3 });
    for (let message = 0; message < 5; message += 1) desk.say('tags/out', generic);
    expect(desk.counts('tags')).toEqual({ reads: 3, ignored: 0, refused: 2 });
    desk.clock.advance(999);
    desk.say('tags/out', generic);
    expect(desk.reads).toHaveLength(3);
    desk.clock.advance(1);
    desk.say('tags/out', generic);
    expect(desk.reads).toHaveLength(4);
  });
});
