/** Expressions of PromQL, and the queries that carry them. */
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { dataSource } from './data-source.js';

export const hourSeconds = 3600;
export const daySeconds = 24 * hourSeconds;

export interface Query {
  readonly expr: string;
  /** What a series is called: `{{label}}` stands for its value. */
  readonly legend: string;
  /** `range`: a line over the time that is shown. `instant`: the latest value alone. */
  readonly kind: 'range' | 'instant';
  readonly format: 'time_series' | 'table' | 'heatmap';
}

/** A line over the time that is shown. */
export function over(expr: string, legend: string): Query {
  return { expr, legend, kind: 'range', format: 'time_series' };
}

/** The latest value. */
export function now(expr: string, legend: string): Query {
  return { expr, legend, kind: 'instant', format: 'time_series' };
}

/** The buckets of a histogram: of each moment (`range`), or all in one (`instant`). */
export function buckets(expr: string, kind: Query['kind'] = 'range'): Query {
  return { expr, legend: '{{le}}', kind, format: 'heatmap' };
}

/** The rows of a table. */
export function rows(expr: string): Query {
  return { expr, legend: '__auto', kind: 'instant', format: 'table' };
}

/** A series of one program: whichever jobs and instances are chosen. */
export function ofProgram(metric: string, matchers = ''): string {
  return select(metric, 'job=~"$job", instance=~"$instance"', matchers);
}

/** A series of the sites that are chosen. */
export function atSite(metric: string, matchers = ''): string {
  return select(metric, 'job=~"$job", instance=~"$instance", site=~"$site"', matchers);
}

/** A series of the edge of a repeated row. */
export function atEdge(metric: string, matchers = ''): string {
  return select(metric, 'job=~"$job", instance=~"$instance", site=~"$site", edge=~"$edge"', matchers);
}

/** A series that a recording rule makes: it has no job and no instance any more. */
export function recorded(rule: string, matchers = ''): string {
  return select(rule, 'site=~"$site"', matchers);
}

/** `sum by (a, b) (expr)`. */
export function sumBy(labels: string, expr: string): string {
  return `sum by (${labels}) (${expr})`;
}

/** `max by (a, b) (expr)`: one series where several programs tell the same. */
export function maxBy(labels: string, expr: string): string {
  return `max by (${labels}) (${expr})`;
}

/** How much a counter grows in a second. */
export function rate(series: string): string {
  return `rate(${series}[$__rate_interval])`;
}

/** How much a counter grew in the time that is shown. */
export function grownInRange(series: string): string {
  return `increase(${series}[$__range])`;
}

/** How much a counter grew in each interval of a graph. */
export function grown(series: string): string {
  return `increase(${series}[$__rate_interval])`;
}

/** How often something happens in an hour, by labels. */
export function anHour(labels: string, counter: string): string {
  return `${sumBy(labels, rate(counter))} * ${String(hourSeconds)}`;
}

/** A quantile of a histogram, from the rate of its buckets. `labels` are kept. */
export function quantile(share: number, labels: string, bucketSeries: string): string {
  return `histogram_quantile(${String(share)}, ${sumBy(labels === '' ? 'le' : `le, ${labels}`, rate(bucketSeries))})`;
}

/**
 * Turns series of which one is 1 (`{position="open"}` beside `{position="closed"}` …) into one whose value is the place of that word,
 * from 1, as a state timeline wants it.
 */
export function placeOf(
  words: readonly string[],
  label: string,
  keep: string,
  series: (matcher: string) => string,
): string {
  return words.map((word, index) => `${String(index + 1)} * ${maxBy(keep, series(`${label}="${word}"`))}`).join(' + ');
}

/** As the builders of Grafana want it; the one who places the panel names it. */
export function toTarget(query: Query, refId: string): DataqueryBuilder {
  const target = new DataqueryBuilder()
    .datasource(dataSource)
    .expr(query.expr)
    .legendFormat(query.legend)
    .refId(refId)
    .format(PromQueryFormat[formats[query.format]]);
  return query.kind === 'instant' ? target.instant() : target.range();
}

const formats = { time_series: 'TimeSeries', table: 'Table', heatmap: 'Heatmap' } as const;

function select(metric: string, chosen: string, matchers: string): string {
  return `${metric}{${chosen}${matchers === '' ? '' : `, ${matchers}`}}`;
}
