/**
 * What goes out in bulk: sessions as CSV, and metrics as Prometheus reads them.
 * @needs prometheus
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { emptyChangeSet } from '../../src/app/turn/change-collector.js';
import { createExposition } from '../../src/http/metrics-exposition.js';
import { createFamilies } from '../../src/http/metrics-family.js';
import { labelHead, noTail } from '../../src/http/metrics-text.js';
import { createMetrics } from '../../src/http/metrics.js';
import { sessionCsvColumns } from '../../src/http/sessions-csv.js';
import { expectProblem, openApi, siteId } from './support.js';
import type { Api } from './support.js';
import { renderedText } from './rendered-text.js';

const site = `/api/v1/sites/${siteId}`;

/** One visit: in, and out again. */
async function visit(api: Api, plate: string): Promise<void> {
  await api.pass('entry-1', 'entry', await api.arrive('entry-1', 'entry', plate));
  await api.pass('exit-1', 'exit', await api.arrive('exit-1', 'exit', plate));
}

describe('the export of sessions', () => {
  it('holds every session, more than one page of them, newest first', async () => {
    const api = await openApi();
    const entryMs = Date.UTC(2025, 2, 1);
    const changes = {
      ...emptyChangeSet(),
      sessions: Array.from({ length: 1_203 }, (_, index) => session(index, entryMs)),
    };
    await api.store.commit(changes);
    const reply = await api.call('GET', `${site}/sessions.csv`);
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    expect(reply.headers['content-disposition']).toBe(`attachment; filename="sessions-${siteId}.csv"`);
    const lines = reply.text.split('\r\n');
    expect(lines[0]).toBe(sessionCsvColumns.join(','));
    expect(lines.pop()).toBe('');
    const tickets = lines.slice(1).map((line) => Number(line.split(',')[0]));
    expect(tickets).toEqual(Array.from({ length: 1_203 }, (_, index) => 1_203 - index));
    const some = await api.call('GET', `${site}/sessions.csv?enteredFrom=2025-03-01T00:19:00Z`);
    expect(some.text.split('\r\n')).toHaveLength(1_203 - 19 * 60 + 2);
    expectProblem(await api.call('GET', '/api/v1/sites/nowhere/sessions.csv'), 404, 'site-unknown');
    await api.stop();
  });
});

describe('metrics', () => {
  it('are clean by the checker of Prometheus', async () => {
    const api = await openApi();
    await visit(api, 'METRIC1');
    await api.connectEdge();
    await api.call('GET', '/api/v1/nothing');
    const processMetrics = await renderedText(createMetrics({ version: '1', processMetrics: true }));
    const { text, headers } = await api.call('GET', '/metrics', { key: null });
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    for (const input of [text, processMetrics]) {
      const checked = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
      expect({ code: checked.status, out: checked.stdout, error: checked.stderr }).toEqual({
        code: 0,
        out: '',
        error: '',
      });
    }
    await api.stop();
  });

  it('with whatever labels and values are clean by it too', async () => {
    const registry = new Registry();
    const families = createFamilies(registry, () => undefined);
    families.define('program', {
      name: 'signs_total',
      help: 'A \\ and a\nbreak.',
      type: 'counter',
      labelNames: ['text'],
      each(_program, put) {
        for (const text of ['"', '\\', '\n', '}', 'é\u{1f697}', '']) put(labelHead({ text }), noTail, 1.5e-7);
      },
    });
    families.define('program', {
      name: 'edges_of_numbers',
      help: 'Whatever is no number.',
      type: 'gauge',
      labelNames: ['value'],
      each(_program, put) {
        for (const value of [NaN, Infinity, -Infinity, 1e300]) put(labelHead({ value: String(value) }), noTail, value);
      },
    });
    const { pieces } = await createExposition({
      registry,
      families,
      look: async () => Promise.resolve(undefined),
      pause: async () => Promise.resolve(),
    })();
    const checked = spawnSync('promtool', ['check', 'metrics'], {
      input: Buffer.concat([...pieces]),
      encoding: 'utf8',
    });
    expect({ code: checked.status, error: checked.stderr }).toEqual({ code: 0, error: '' });
  });

  it('tell what happened', async () => {
    const api = await openApi();
    await visit(api, 'METRIC1');
    await api.connectEdge();
    await api.call('POST', `${site}/assignments`, { body: { reason: 'x' } });
    const { text } = await api.call('GET', '/metrics', { key: null });
    for (const line of [
      `gatehouse_vehicle_entries_total{site="${siteId}"} `,
      `gatehouse_vehicle_exits_total{site="${siteId}"} 1`,
      `gatehouse_slots{site="${siteId}",state="free"} 3`,
      `gatehouse_slots{site="${siteId}",state="occupied"} 1`,
      `gatehouse_sessions_open{site="${siteId}"} 1`,
      `gatehouse_vehicles_inside{site="${siteId}"} 1`,
      `gatehouse_occupancy_drift{site="${siteId}"} 0`,
      `gatehouse_session_duration_seconds_count{site="${siteId}",basis=`,
      `gatehouse_edge_up{site="${siteId}",edge="harbour-north"} 1`,
      `gatehouse_gate_faults{site="${siteId}",edge="harbour-north",gate="exit-1",fault="loop-stuck"} 1`,
      'gatehouse_http_request_duration_seconds_count{method="POST",route="/api/v1/sites/{siteId}/assignments",status="201"} 1',
      'gatehouse_commit_duration_seconds_count ',
      'gatehouse_ready 1',
    ]) {
      expect(text).toContain(line);
    }
    await api.stop();
  });

  it('come with their length', async () => {
    const api = await openApi();
    const asked = await api.call('GET', '/metrics', { key: null });
    expect(asked.headers['content-length']).toBe(String(Buffer.byteLength(asked.text)));
    await api.stop();
  });

  it('want a key when the settings say so', async () => {
    const api = await openApi({ http: { metricsRequireKey: true } });
    expectProblem(await api.call('GET', '/metrics', { key: null }), 401, 'unauthenticated');
    expect((await api.call('GET', '/metrics', { key: api.keys.observer })).status).toBe(200);
    await api.stop();
  });
});

describe('health', () => {
  it('is told to anybody: alive always, ready while the store takes changes', async () => {
    const api = await openApi();
    expect((await api.call('GET', '/readyz', { key: null })).body).toEqual({ status: 'ok', problems: [] });
    await api.aggregator.stop();
    expectProblem(await api.call('GET', '/readyz', { key: null }), 503, 'not-ready');
    expect((await api.call('GET', '/healthz', { key: null })).status).toBe(200);
    await api.stop();
  });
});

function session(index: number, entryMs: number) {
  return {
    siteId,
    sessionId: index.toString(16).padStart(32, '0'),
    ticket: index + 1,
    credentialId: null,
    vehicleId: null,
    slotClass: 'standard' as const,
    slotId: 'a-1',
    state: 'closed' as const,
    entryAtMs: entryMs + index * 1_000,
    entryGateId: null,
    entryBasis: 'operator' as const,
    exitAtMs: entryMs + index * 1_000 + 500,
    exitGateId: null,
    exitBasis: 'operator' as const,
    durationMs: 500,
    uncertainSinceMs: null,
    exitAuthorised: false,
    earlierExitDue: false,
    entryEventKey: null,
  };
}
