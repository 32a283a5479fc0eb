/** How long requests to the API took: counted with each of them, so by three look-ups and two additions. */
import type { Families } from './metrics-family.js';
import { createBuckets, histogramTails, putHistogram } from './metrics-histogram.js';
import type { Observed } from './metrics-histogram.js';
import { entryOf } from './metrics-source.js';
import { labelHead } from './metrics-text.js';
import type { LabelHead } from './metrics-text.js';

/** Answers how to observe. Methods, routes and statuses must be of short lists: a series stays until the end of the program. */
export function defineRequests(
  families: Families,
): (method: string, route: string, status: number, durationSeconds: number) => void {
  const bounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const buckets = createBuckets(bounds);
  const tails = histogramTails(buckets, {});
  const byRoute = new Map<string, Map<string, Map<number, Observed>>>();
  const all: { readonly head: LabelHead; readonly observed: Observed }[] = [];
  families.define('program', {
    name: 'gatehouse_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    type: 'histogram',
    labelNames: ['method', 'route', 'status'],
    buckets: bounds,
    each(_program, put) {
      for (const { head, observed } of all) putHistogram(put, head, tails, observed);
    },
  });
  const newByMethod = (): Map<string, Map<number, Observed>> => new Map();
  const newByStatus = (): Map<number, Observed> => new Map();
  return (method, route, status, durationSeconds) => {
    const byStatus = entryOf(entryOf(byRoute, route, newByMethod), method, newByStatus);
    let observed = byStatus.get(status);
    if (observed === undefined) {
      observed = buckets.empty();
      byStatus.set(status, observed);
      all.push({ head: labelHead({ method, route, status: String(status) }), observed });
    }
    buckets.observe(observed, durationSeconds);
  };
}
