/** Reads before, with and after their vehicle, through the real receiver, a real broker and a whole agent. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { startReadingEdge } from './support/reading-edge.js';
import type { ReadingEdge, ReadingEdgeOptions } from './support/reading-edge.js';

const out = { cameraId: 'out-cam' };
const frigate = { cameraId: 'out-cam', format: 'frigate', mqtt: { sourceId: 'frigate', camera: 'drive' } };
const axis = { cameraId: 'out-cam', format: 'axis' };

let edge: ReadingEdge;
afterEach(() => edge.stop());

const begin = async (options: Partial<ReadingEdgeOptions> & { lane?: object } = {}): Promise<ReadingEdge> => {
  const { lane = {}, ...rest } = options;
  edge = await startReadingEdge({ gate: { direction: 'exit', lane }, cameras: [out], ...rest });
  return edge;
};
const plate = (value: string, confidence = 0.95) => ({ plate: value, confidence });
/** What the vehicles showed, in the order in which they arrived. */
const shown = async (): Promise<(string | null)[]> =>
  (await edge.events()).flatMap((event) => (event.kind === 'vehicle-arrived' ? [event.credential?.value ?? null] : []));

describe('a read before its vehicle', () => {
  it('waits for it', async () => {
    await begin({ lane: { readBeforeMs: 60_000 } });
    expect(await edge.post('out-cam', plate('KX719QD'))).toEqual({ reads: 1 });
    await edge.control.sendVehicle('gate', {});
    await edge.havePassed(1);
    expect(await shown()).toEqual(['KX719QD']);
  });

  it('waits no longer than readBeforeMs, and is then nobody’s', async () => {
    await begin({ lane: { readBeforeMs: 300, readAfterMs: 100 } });
    await edge.post('out-cam', plate('KX719QD'));
    // At least so long: this is the bound itself.
    await sleep(310);
    await edge.control.sendVehicle('gate', {});
    await edge.havePassed(1);
    expect(await shown()).toEqual([null]);
  });
});

describe('a read after its vehicle has come', () => {
  it('serves within readAfterMs', async () => {
    await begin({ lane: { readAfterMs: 60_000 } });
    await edge.control.sendVehicle('gate', {});
    await edge.isOnLoop();
    expect(edge.arrival).toBeNull();
    await edge.post('out-cam', plate('KX719QD'));
    await edge.havePassed(1);
    expect(await shown()).toEqual(['KX719QD']);
  });

  it('serves no more when its vehicle was let in unread, and never the vehicle behind it', async () => {
    // Given an arm that does not move yet, so that the vehicle stands there still
    await begin({ lane: { readAfterMs: 100, readBeforeMs: 60_000 } });
    await edge.control.setFault('gate', 'arm-stuck', true);
    await edge.control.sendVehicle('gate', {});
    await edge.isAdmitted();
    // When its read comes
    await edge.post('out-cam', plate('KX719QD'));
    await edge.control.setFault('gate', 'arm-stuck', false);
    await edge.havePassed(1);
    await edge.control.sendVehicle('gate', {});
    await edge.havePassed(2);
    // Then both were let out without a plate
    expect(await shown()).toEqual([null, null]);
  });
});

describe('several reads of one vehicle', () => {
  it('are voted, each with its confidence', async () => {
    await begin({ lane: { readAfterMs: 60_000, voteMs: 2_000 } });
    await edge.control.sendVehicle('gate', {});
    await edge.isOnLoop();
    for (const [value, confidence] of [
      ['KX71 9QD', 0.5],
      ['KX7I9QD', 0.6],
      ['KX719Q?', 0.4],
    ] as const) {
      await edge.post('out-cam', plate(value, confidence));
    }
    await edge.havePassed(1);
    expect(await shown()).toEqual(['KX719QD']);
  });

  it('of Frigate under one name are one read: the last; and what it says later is nobody’s', async () => {
    await begin({ cameras: [frigate], lane: { readBeforeMs: 60_000, readAfterMs: 100 } });
    const lpr = (value: string | null, score: number) =>
      edge.publish('frigate/tracked_object_update', {
        ...{ type: 'lpr', id: '1.5-a', name: null, plate: value, score, camera: 'drive' },
      });
    const event = (before: string | null, after: string) => {
      const state = (known: string | null) => ({
        ...{ id: '1.5-a', camera: 'drive', recognized_license_plate: known, recognized_license_plate_score: 0.9 },
      });
      return edge.publish('frigate/events', { type: 'update', before: state(before), after: state(after) });
    };
    // Given reads that get better, and repetitions
    await lpr('KX7', 0.9);
    await lpr('KX7', 0.9);
    await lpr('KX7', 0.9);
    await event(null, 'KX719QD');
    await event('KX719QD', 'KX719QD');
    await edge.control.sendVehicle('gate', {});
    await edge.hasArrived();
    // When it is read again, rightly and wrongly, before and after it has gone
    await lpr('KX719QD', 0.95);
    await lpr('ZZ00ZZZ', 0.95);
    await edge.havePassed(1);
    await lpr('ZZ00ZZZ', 0.96);
    await lpr(null, 0);
    await edge.isEmpty();
    await edge.control.sendVehicle('gate', {});
    await edge.havePassed(2);
    // Then it arrived once, and the next one has not got its plate
    expect(await shown()).toEqual(['KX719QD', null]);
  });

  it('of Axis, new, updated and lost, are one vehicle that arrives once, as it was corrected', async () => {
    await begin({ cameras: [axis], lane: { readBeforeMs: 60_000, readAfterMs: 100 } });
    const push = (carState: string, plateUTF8: string, carMoveDirection = 'undefined') =>
      edge.post('out-cam', { plateUTF8, plateConfidence: '0.95', carState, carID: '123', carMoveDirection });
    await push('new', 'KX719O');
    await push('update', 'KX719O', 'out');
    await push('update', 'AX719QD', 'out');
    await edge.control.sendVehicle('gate', {});
    await edge.havePassed(1);
    expect(await push('lost', 'AX719QD', 'out')).toMatchObject({ reads: 0 });
    await push('update', 'KX719QD', 'out');
    await edge.isEmpty();
    await edge.control.sendVehicle('gate', {});
    await edge.havePassed(2);
    expect(await shown()).toEqual(['AX719QD', null]);
  });
});

describe('a vehicle that was turned away and stays', () => {
  it('gets no second decision by being read again, and one by showing something else', async () => {
    // Given an entry that has no slot to give
    await begin({ gate: { direction: 'entry' }, cameras: [{ cameraId: 'out-cam' }] });
    await edge.control.sendVehicle('gate', {});
    await edge.isOnLoop();
    await edge.post('out-cam', plate('KX719QD'));
    await edge.isDenied();
    const first = edge.arrival?.seq;
    // When it is read again, and as a reader may confuse it, and then shows a tag
    await edge.post('out-cam', plate('KX719QD'));
    await edge.post('out-cam', plate('KX7I9QD'));
    await edge.post('out-cam', { tag: '4711' });
    await eventually(() => edge.arrival?.seq !== first && edge.arrival?.seq != null, 'another arrival');
    await edge.isDenied();
    // Then only the tag was asked about
    const events = (await edge.events()).filter(({ kind }) => /^(vehicle-|arrival-)/.test(kind));
    expect(events.map(({ kind }) => kind)).toEqual([
      ...['vehicle-arrived', 'vehicle-denied', 'arrival-void', 'vehicle-arrived', 'vehicle-denied'],
    ]);
    expect(await shown()).toEqual(['KX719QD', '4711']);
  });
});

describe('readers whose broker is away', () => {
  it('keep no vehicle from the gate, and show in a metric', async () => {
    await begin({ cameras: [frigate], readersBrokerUrl: 'mqtt://127.0.0.1:9', lane: { readAfterMs: 100 } });
    await edge.control.sendVehicle('gate', {});
    await edge.havePassed(1);
    const metrics = await (await fetch(`${edge.edge.httpUrl ?? ''}/metrics`)).text();
    expect(metrics).toMatch(/^gatehouse_agent_reader_broker_connected\{reader="frigate",.*\} 0$/m);
    expect(await shown()).toEqual([null]);
  });
});

describe('a gate for both directions', () => {
  it('takes for a vehicle what the camera of its direction reads, and not what the other one does', async () => {
    const cameras = [
      { cameraId: 'in-cam', direction: 'entry' },
      { cameraId: 'out-cam', direction: 'exit' },
    ];
    await begin({ gate: { direction: 'both', lane: { readAfterMs: 60_000, readBeforeMs: 60_000 } }, cameras });
    await edge.post('out-cam', plate('OUT0001'));
    await edge.control.sendVehicle('gate', {});
    await edge.isOnLoop();
    await edge.post('out-cam', plate('OUT0001'));
    expect(edge.arrival).toBeNull();
    await edge.post('in-cam', plate('KX719QD'));
    await edge.hasArrived();
    expect(await edge.events()).toContainEqual(
      expect.objectContaining({
        kind: 'vehicle-arrived',
        direction: 'entry',
        credential: expect.objectContaining({ value: 'KX719QD', source: 'in-cam' }),
      }),
    );
  });
});
