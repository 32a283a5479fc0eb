/** The agent is stopped, as for an upgrade, while a vehicle that was let in is on its way through. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { System, until } from '../support/processes.js';
import type { SiteGate } from '../support/processes.js';

jest.setTimeout(120_000);

const gates: SiteGate[] = [{ gateId: 'in', edgeId: 'edge', direction: 'entry' }];

interface Session {
  readonly state: string;
  readonly slotId: string | null;
  readonly credential: { readonly value: string | null } | null;
}

describe('an edge agent that is stopped with a vehicle on its way through', () => {
  let system: System;

  beforeEach(async () => {
    system = new System(2);
    await system.startAggregator();
    await system.createSite('site', 10, gates);
    await system.prepareEdge('site', 'edge', gates);
  });
  afterEach(async () => {
    await system.stop();
  });

  const start = async (): Promise<void> => {
    system.startEdge('edge');
    await system.edgeOnline('edge');
  };
  /** On the loop of the gate, and seen to drive off under the open arm. */
  const underWay = async (plate: string): Promise<string> => {
    const vehicleId = await system.sendVehicle('edge', 'in', { plate });
    await until('the vehicle drives off', () =>
      system.happenings('edge').some((line) => line.vehicleId === vehicleId && line.step === 'started'),
    );
    return vehicleId;
  };
  const entries = async (): Promise<unknown> => {
    const { entriesTotal } = await system.api<{ entriesTotal: number }>('GET', '/api/v1/sites/site/occupancy');
    return entriesTotal;
  };

  it('ends when the vehicle is through: one passage, its session, nothing to review', async () => {
    await start();
    await underWay('KEPT1');
    expect(await entries()).toBe(0);
    expect(await system.edges.get('edge')?.kill('SIGTERM')).toBe(0);
    await until('the passage is stored', async () => (await entries()) === 1);
    const sessions = await system.list<Session>('/api/v1/sites/site/sessions');
    expect(sessions).toMatchObject([{ state: 'open', slotId: 's1', credential: { value: 'KEPT1' } }]);
    await start();
    expect(await system.list('/api/v1/sites/site/reviews?open=true')).toEqual([]);
    expect(await entries()).toBe(1);
  });

  it('does not wait for it at SIGINT, and tells at the next start that nobody knows what became of it', async () => {
    await start();
    await underWay('LOST1');
    expect(await system.edges.get('edge')?.kill('SIGINT')).toBe(0);
    await start();
    await until('there is a review', async () => {
      const reviews = await system.list<{ kind: string }>('/api/v1/sites/site/reviews?open=true');
      return reviews.some(({ kind }) => kind === 'arrival-unresolved');
    });
    expect(await entries()).toBe(0);
  });
});
