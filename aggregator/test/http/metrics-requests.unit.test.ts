import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { createMetrics } from '../../src/http/metrics.js';
import { parseFamilies } from './exposition-text.js';
import { renderedText } from './rendered-text.js';

const name = 'gatehouse_http_request_duration_seconds';
const bounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const anyRequest = fc.record({
  method: fc.constantFrom('GET', 'POST', 'other'),
  route: fc.constantFrom('/metrics', '/api/v1/sites/{siteId}', 'none'),
  status: fc.constantFrom(200, 201, 404, 503),
  seconds: fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.constantFrom(...bounds)),
});

describe('the durations of requests', () => {
  it('are counted as the library would count them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRequest, { maxLength: 60 }), async (requests) => {
        const metrics = createMetrics({ version: '1', processMetrics: false });
        const registry = new Registry();
        const help = 'Time from a request to the end of its answer.';
        const labelNames = ['method', 'route', 'status'];
        const histogram = new Histogram({ name, help, labelNames, buckets: bounds, registers: [registry] });
        for (const { method, route, status, seconds } of requests) {
          metrics.onRequest(method, route, status, seconds);
          histogram.observe({ method, route, status: String(status) }, seconds);
        }
        const ours = parseFamilies(await renderedText(metrics)).get(name);
        expect(ours).toEqual(parseFamilies(await registry.metrics()).get(name));
      }),
    );
  });

  it('must be numbers, so that the sum stays one', async () => {
    const metrics = createMetrics({ version: '1', processMetrics: false });
    for (const seconds of [NaN, Infinity]) {
      expect(() => {
        metrics.onRequest('GET', '/metrics', 200, seconds);
      }).toThrow(TypeError);
    }
    metrics.onRequest('GET', '/metrics', 200, 0.25);
    expect(await renderedText(metrics)).toContain(`${name}_sum{method="GET",route="/metrics",status="200"} 0.25\n`);
  });
});
