import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { edgeTopic } from '@gatehouse/shared';
import type { EdgeFaultResource, EdgeLogLine, LogLine, LogRequest } from '@gatehouse/shared';
import { edgeId, expectProblem, openApi, siteId, until } from './support.js';
import type { Api } from './support.js';

interface Log {
  readonly items: EdgeLogLine[];
  readonly nextCursor: string | null;
  readonly upToDate: boolean;
}

let api: Api;
beforeEach(async () => {
  api = await openApi();
});
afterEach(() => api.stop());

const url = `/api/v1/edges/${edgeId}/log`;
const instance = 'c'.repeat(32);

const line = (number: number, change: Partial<LogLine> = {}): LogLine => ({
  ...{ number, atMs: 1_777_876_200_000 + number, level: 'warn', part: 'link', gateId: null },
  ...{ message: `line ${String(number)}`, fields: {} },
  ...change,
});

/** An agent that answers each request with the lines that were not told yet. */
async function agentWith(lines: readonly LogLine[]): Promise<void> {
  await api.connectEdge();
  const agent = api.hub.connect({
    clientId: 'the agent',
    onMessage({ payload }) {
      const { after, now } = JSON.parse(new TextDecoder().decode(payload)) as LogRequest;
      const told = lines.filter(({ number }) => number > after);
      const report = JSON.stringify({ instance, lines: told, more: false });
      if (now) agent.publish(edgeTopic(siteId, edgeId, 'log'), report, { retain: false });
    },
  });
  agent.subscribe(edgeTopic(siteId, edgeId, 'log-requests'));
}

describe('GET /edges/{edgeId}/log', () => {
  it('answers the last lines, newest first, fresh from the edge', async () => {
    await agentWith([
      line(1, { level: 'info' }),
      line(2, { gateId: 'exit-1', fields: { fault: 'loop-stuck', heldMs: 900_000 } }),
    ]);
    const { status, body } = await api.call<Log>('GET', url);
    expect(status).toBe(200);
    expect(body).toEqual({
      upToDate: true,
      nextCursor: null,
      items: [
        {
          ...{ at: '2026-05-04T06:30:00.002Z', receivedAt: expect.any(String), instance, number: 2, level: 'warn' },
          ...{ part: 'link', gateId: 'exit-1', message: 'line 2', fields: { fault: 'loop-stuck', heldMs: 900_000 } },
        },
        {
          ...{ at: '2026-05-04T06:30:00.001Z', receivedAt: expect.any(String), instance, number: 1, level: 'info' },
          ...{ part: 'link', gateId: null, message: 'line 1', fields: {} },
        },
      ],
    });
  });

  it('answers those of a severity or above, page by page', async () => {
    const levels = ['info', 'warn', 'error'] as const;
    await agentWith(Array.from({ length: 12 }, (_, index) => line(index + 1, { level: levels[index % 3] ?? 'info' })));
    const numbers = async (query: string): Promise<number[]> => {
      const found: number[] = [];
      let cursor: string | null = null;
      do {
        const next: string = cursor === null ? '' : `&cursor=${cursor}`;
        const { body } = await api.call<Log>('GET', `${url}?limit=3${query}${next}`);
        expect(body.items.length).toBeLessThanOrEqual(3);
        found.push(...body.items.map(({ number }) => number));
        cursor = body.nextCursor;
      } while (cursor !== null);
      return found;
    };
    expect(await numbers('')).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(await numbers('&level=warn')).toEqual([12, 11, 9, 8, 6, 5, 3, 2]);
    expect(await numbers('&level=error')).toEqual([12, 9, 6, 3]);
  });

  it('answers what is known of an edge that never connected, at once', async () => {
    expect((await api.call<Log>('GET', url)).body).toEqual({ items: [], nextCursor: null, upToDate: false });
  });

  it('is for those who may read the wire, and for their site', async () => {
    for (const role of ['observer', 'viewer'] as const) {
      expectProblem(await api.call('GET', url, { key: api.keys[role] }), 403, 'forbidden');
    }
    for (const role of ['auditor', 'operator', 'admin'] as const) {
      expect((await api.call('GET', url, { key: api.keys[role] })).status).toBe(200);
    }
    const elsewhere = await api.newKey('admin', 'station');
    expectProblem(await api.call('GET', url, { key: elsewhere }), 403, 'site-not-allowed');
    expectProblem(await api.call('GET', '/api/v1/edges/nobody/log'), 404, 'edge-unknown');
    expectProblem(await api.call('GET', `${url}?level=debug`), 400, 'invalid-request', 'level');
    expectProblem(await api.call('GET', `${url}?cursor=x`), 400, 'cursor-invalid');
  });
});

describe('GET /edges/{edgeId}/faults', () => {
  const faultsUrl = `/api/v1/edges/${edgeId}/faults`;

  async function raise(
    gateId: string | null,
    fault: 'loop-stuck' | 'clock-jumped',
    detail: string,
    seq: number,
    of = edgeId,
  ): Promise<void> {
    await api.aggregator.committer.execute((turn) => {
      const event = { kind: 'fault-raised', gateId, fault, detail };
      turn.put('events', {
        ...{ edgeId: of, epoch: 'e'.repeat(32), seq, siteId, gateId, kind: 'fault-raised', hash: 'f'.repeat(64) },
        ...{ atMs: 1_777_876_200_000 + seq, receivedAtMs: 1_777_876_200_000 + seq, credentialId: null },
        ...{ body: JSON.stringify(event), origin: null, flags: [] },
      });
    });
  }

  it('answers what the edge last reported, with what it means, since when and why', async () => {
    await raise('exit-1', 'loop-stuck', 'an earlier one', 1);
    await raise('exit-1', 'loop-stuck', 'safety for\u001b 900 s', 2);
    await raise('entry-1', 'loop-stuck', 'of another gate', 3);
    await raise('exit-1', 'loop-stuck', 'of another edge', 4, 'another');
    await api.connectEdge();
    const { body } = await api.call<{ items: EdgeFaultResource[] }>('GET', faultsUrl, { key: api.keys.viewer });
    expect(body.items).toEqual([
      {
        ...{ gateId: null, fault: 'clock-jumped', severity: 'ticket', since: null, detail: null },
        meaning: 'The wall clock of the edge jumped.',
      },
      {
        ...{ gateId: 'exit-1', fault: 'loop-stuck', severity: 'ticket', detail: 'safety for  900 s' },
        meaning: 'A loop has reported a vehicle for too long to be true.',
        since: '2026-05-04T06:30:00.002Z',
      },
    ]);
  });

  it('knows no beginning of one that was raised before two thousand others of the site', async () => {
    await raise('exit-1', 'loop-stuck', 'long ago', 1);
    for (let seq = 2; seq <= 2_001; seq += 1) await raise('entry-1', 'loop-stuck', 'again', seq);
    await api.connectEdge();
    const sinceAndWhy = async (): Promise<unknown[]> => {
      const { body } = await api.call<{ items: EdgeFaultResource[] }>('GET', faultsUrl);
      return body.items.filter(({ gateId }) => gateId === 'exit-1').map(({ since, detail }) => [since, detail]);
    };
    expect(await sinceAndWhy()).toEqual([[null, null]]);
    await raise('exit-1', 'loop-stuck', 'just now', 2_002);
    expect(await sinceAndWhy()).toEqual([['2026-05-04T06:30:02.002Z', 'just now']]);
  });

  it('answers nothing for an edge that has not reported', async () => {
    expect((await api.call('GET', faultsUrl)).body).toEqual({ items: [], nextCursor: null });
    expectProblem(await api.call('GET', faultsUrl, { key: api.keys.observer }), 403, 'forbidden');
  });
});

it('counts the lines it was told', async () => {
  await agentWith([line(1), line(2, { level: 'error' }), line(3)]);
  await api.call<Log>('GET', url);
  await until(async () => {
    const { text } = await api.call('GET', '/metrics');
    return text.includes(`gatehouse_edge_log_lines_total{site="${siteId}",edge="${edgeId}",level="warn"} 2`);
  });
});
