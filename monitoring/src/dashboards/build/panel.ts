/** What all panels have in common. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel, ThresholdsConfig, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { dataSource } from './data-source.js';
import { plain, toThresholds } from './look.js';
import type { Override, Thresholds } from './look.js';
import { toTarget } from './queries.js';
import type { Query } from './queries.js';

/** What every kind of panel takes. */
export interface Spec {
  readonly title: string;
  /** What it shows and what to think of it, for somebody who sees it for the first time. */
  readonly description: string;
  /** A unit of Grafana. */
  readonly unit: string;
  /** Columns of 24. */
  readonly width: number;
  /** Rows of about 30 pixels. */
  readonly height?: number;
  readonly queries: readonly Query[];
  readonly min?: number;
  readonly max?: number;
  readonly decimals?: number;
  /** Shown where there is nothing to show. */
  readonly noValue?: string;
  readonly thresholds?: Thresholds;
  readonly mappings?: readonly ValueMapping[];
  readonly overrides?: readonly Override[];
  /** The section of the runbook about it, by the anchor of its heading. */
  readonly runbook?: string;
}

/** A panel that has no place yet. */
export interface Unplaced {
  readonly panel: Panel;
  readonly runbook?: string;
  readonly width: number;
  readonly height: number;
}

/** What the builders of Grafana have in common. */
interface AnyBuilder extends Builder<Panel> {
  title(title: string): this;
  description(description: string): this;
  datasource(source: typeof dataSource): this;
  targets(targets: Builder<Dataquery>[]): this;
  unit(unit: string): this;
  decimals(decimals: number): this;
  min(min: number): this;
  max(max: number): this;
  noValue(text: string): this;
  mappings(mappings: ValueMapping[]): this;
  thresholds(thresholds: Builder<ThresholdsConfig>): this;
  overrides(overrides: Override[]): this;
}

const defaultHeight = 8;

/** Fills in what the panel has in common with others. */
export function finish(builder: AnyBuilder, spec: Spec): Unplaced {
  builder
    .title(spec.title)
    .description(spec.description)
    .datasource(dataSource)
    .unit(spec.unit)
    .noValue(spec.noValue ?? 'no data yet')
    .thresholds(toThresholds(spec.thresholds ?? plain()))
    .targets(spec.queries.map((query, index) => toTarget(query, refId(index))));
  if (spec.min !== undefined) builder.min(spec.min);
  if (spec.max !== undefined) builder.max(spec.max);
  if (spec.decimals !== undefined) builder.decimals(spec.decimals);
  if (spec.mappings !== undefined) builder.mappings([...spec.mappings]);
  if (spec.overrides !== undefined) builder.overrides([...spec.overrides]);
  return {
    panel: builder.build(),
    width: spec.width,
    height: spec.height ?? defaultHeight,
    ...(spec.runbook === undefined ? {} : { runbook: spec.runbook }),
  };
}

/** A, B, C … */
export function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
