/**
 * The figures about decisions at a small size: nothing is said of how long anything took, but that every vehicle and every request was
 * measured, and that what was measured really happened.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createDecisionStage } from '../../src/bench/decision/stage.js';
import { requestFloorTexts } from '../../src/bench/decision/request-floor.js';
import { decisionInACity, prepareCity } from '../../src/bench/figures/decision-in-a-city.js';
import { edgeEventSchema, decisionSchema, eventBatchSchema } from '@gatehouse/shared';
import { createTidyUp } from '../../src/processes/index.js';
import type { PreparedFigure } from '../../src/bench/figure.js';

const tidyUp = createTidyUp(() => undefined);
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-decision-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('the stage of the figures about decisions', () => {
  it('measures each vehicle once, and the aggregator has let in and out every one of them', async () => {
    const stage = await createDecisionStage({ directory, tidyUp });
    try {
      const anonymous = await stage.entrance.anonymous(2);
      const known = await stage.entrance.firstSeen(2);
      const sessions = await stage.system.list<{ state: string; credential: { value: string } | null }>(
        '/api/v1/sites/decision/sessions?state=closed',
      );
      expect([...anonymous, ...known].every((tookMs) => tookMs > 0)).toBe(true);
      expect([anonymous.length, known.length]).toEqual([2, 2]);
      expect(sessions.map(({ state }) => state)).toEqual(['closed', 'closed', 'closed', 'closed']);
      expect(
        sessions.flatMap(({ credential }) => credential?.value ?? []).filter((value) => value.startsWith('S0')),
      ).toEqual(expect.arrayContaining(['S000001', 'S000002']));
    } finally {
      await stage.close();
    }
  });

  it('answers every request of the floor', async () => {
    const stage = await createDecisionStage({ directory, tidyUp });
    try {
      const tookMs = await stage.floor.requests(5);
      expect(tookMs.filter((ms) => ms > 0)).toHaveLength(5);
    } finally {
      await stage.close();
    }
  });

  it('lets the floor carry messages that an edge and the aggregator could have sent', () => {
    const { row, request, reply } = requestFloorTexts();
    expect(edgeEventSchema.safeParse(JSON.parse(row.json)).success).toBe(true);
    expect(eventBatchSchema.safeParse(JSON.parse(request)).success).toBe(true);
    expect(decisionSchema.safeParse(JSON.parse(reply)).success).toBe(true);
  });
});

describe('a decision in a city', () => {
  it('is measured while the other edges report, all of whose events are stored', async () => {
    const context = { directory, tidyUp, say: () => undefined };
    let prepared: PreparedFigure | undefined;
    try {
      prepared = await prepareCity(context, { sites: 2, edgesPerSite: 2, eventsPerSecond: 20, vehicles: 2 });
      const ours = await prepared.measure('ours', 1);
      const floor = await prepared.measure('floor', 1);
      for (const { key, floor: below } of decisionInACity.lines) {
        expect(ours[key]).toBeGreaterThan(0);
        if (below !== null) expect(floor[key]).toBeGreaterThan(0);
      }
    } finally {
      await prepared?.close();
    }
  });
});
