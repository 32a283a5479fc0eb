/** The kinds of panel in use, each with what is particular to it. */
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import {
  BarGaugeDisplayMode,
  BigValueGraphMode,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { FieldColorBuilder, FieldColorModeId } from '@grafana/grafana-foundation-sdk/dashboard';
import type { DataTransformerConfig, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  PanelBuilder as HeatmapBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import {
  PanelBuilder as PieBuilder,
  PieChartLegendOptionsBuilder,
  PieChartLegendValues,
  PieChartType,
} from '@grafana/grafana-foundation-sdk/piechart';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as StateTimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { named, toThresholds } from './look.js';
import type { Thresholds } from './look.js';
import { finish, refId } from './panel.js';
import type { Spec, Unplaced } from './panel.js';
import { rows } from './queries.js';

const latest = (): ReduceDataOptionsBuilder => new ReduceDataOptionsBuilder().calcs(['lastNotNull']);

/** Large figures, each with its course in small unless `isBare`. */
export function stat(spec: Spec & { readonly isBare?: boolean }): Unplaced {
  const builder = new StatBuilder()
    .reduceOptions(latest())
    .graphMode(spec.isBare === true ? BigValueGraphMode.None : BigValueGraphMode.Area);
  return finish(builder, { height: 4, ...spec });
}

/** A bar each, with its figure. */
export function barGauge(spec: Spec): Unplaced {
  const builder = new BarGaugeBuilder()
    .reduceOptions(latest())
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Gradient);
  return finish(builder, spec);
}

/** Shares of a whole. */
export function donut(spec: Spec): Unplaced {
  const legend = new PieChartLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.Table)
    .placement(LegendPlacement.Right)
    .values([PieChartLegendValues.Value, PieChartLegendValues.Percent]);
  return finish(new PieBuilder().pieType(PieChartType.Donut).reduceOptions(latest()).legend(legend), spec);
}

export interface TimeSeriesSpec extends Spec {
  /** `lines` when left out. */
  readonly style?: 'lines' | 'stacked' | 'bars';
  /** What the legend tells of each series: `lastNotNull`, `mean`, `max`. */
  readonly legend?: readonly string[];
  /** Draws the bounds of the thresholds. */
  readonly showThresholds?: boolean;
}

/** The course of values. */
export function timeSeries(spec: TimeSeriesSpec): Unplaced {
  const style = spec.style ?? 'lines';
  const builder = new TimeSeriesBuilder()
    .drawStyle(style === 'bars' ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .lineWidth(style === 'stacked' ? 1 : 2)
    .fillOpacity({ lines: 8, stacked: 60, bars: 70 }[style])
    .showPoints(VisibilityMode.Never)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs([...(spec.legend ?? ['lastNotNull', 'max'])]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (style !== 'lines') builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (spec.showThresholds === true) {
    builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  return finish(builder, spec);
}

/** How many values fell into each bucket, moment by moment. `unit` is that of the buckets. */
export function heatmap(spec: Spec): Unplaced {
  const builder = new HeatmapBuilder()
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Spectral').reverse(true))
    .yAxis(new YAxisConfigBuilder().unit(spec.unit))
    .showLegend();
  return finish(builder, spec);
}

/** What something was, and for how long. Values are told by `mappings`. */
export function stateTimeline(spec: Spec): Unplaced {
  const builder = new StateTimelineBuilder()
    .mergeValues(true)
    .showValue(VisibilityMode.Auto)
    .legend(new VizLegendOptionsBuilder().showLegend(false).calcs([]));
  return finish(builder, spec);
}

export interface Column {
  readonly title: string;
  /** Answers one value for each combination of the keys. */
  readonly expr: string;
  readonly unit?: string;
  readonly mappings?: readonly ValueMapping[];
  /** Colours the cell. */
  readonly thresholds?: Thresholds;
}

export interface TableSpec extends Omit<Spec, 'queries'> {
  /** Labels that name a row, and what their columns are called; `link` leads from there to another page. */
  readonly keys: Readonly<Record<string, { readonly title: string; readonly link?: string }>>;
  readonly columns: readonly Column[];
}

/** A row for each combination of the keys, a column for each expression. */
export function table(spec: TableSpec): Unplaced {
  const keys = Object.entries(spec.keys);
  const builder = new TableBuilder().filterable(true).transformations(joined(spec));
  return finish(builder, {
    ...spec,
    queries: spec.columns.map(({ expr }) => rows(expr)),
    overrides: [
      ...keys.flatMap(([, { title, link }]) =>
        link === undefined ? [] : [named(title, { links: [{ title: 'Show it', url: link }] })],
      ),
      ...spec.columns.map((column) => named(column.title, cellOf(column))),
    ],
  });
}

/** One table of the answers to all queries, with the columns named and in order. */
function joined({ keys, columns }: TableSpec): DataTransformerConfig[] {
  const names = [
    ...Object.entries(keys).map(([label, { title }]): [string, string] => [label, title]),
    ...columns.map(({ title }, index): [string, string] => [valueField(index, columns.length), title]),
  ];
  return [
    { id: 'merge', options: {} },
    {
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries(names.map(([field], index) => [field, index])),
        renameByName: Object.fromEntries(names),
      },
    },
  ];
}

function valueField(index: number, count: number): string {
  return count === 1 ? 'Value' : `Value #${refId(index)}`;
}

function cellOf({ unit, mappings, thresholds }: Column): Record<string, unknown> {
  return {
    ...(unit === undefined ? {} : { unit }),
    ...(mappings === undefined ? {} : { mappings }),
    ...(thresholds === undefined ? {} : { thresholds: toThresholds(thresholds).build() }),
    ...(mappings === undefined && thresholds === undefined
      ? {}
      : { 'custom.cellOptions': { type: 'color-background', mode: 'basic' } }),
  };
}
