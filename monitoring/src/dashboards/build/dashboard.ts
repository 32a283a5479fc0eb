/** Puts panels into a dashboard: places, numbers, variables, links, annotations. */
import {
  AnnotationQueryBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import { asFile, classic } from './classic.js';
import type { Document } from './classic.js';
import { dataSource } from './data-source.js';
import type { Unplaced } from './panel.js';
import type { Runbook } from './runbook.js';

export type { Document } from './classic.js';

export interface Row {
  readonly title: string;
  /** The variable of whose values each gets a row of its own. */
  readonly repeat?: string;
  readonly panels: readonly Unplaced[];
}

export interface VariableSpec {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  /** `label_values(…)`. */
  readonly query: string;
  readonly isHidden?: boolean;
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Beside the data source. */
  readonly variables: readonly VariableSpec[];
  /** Titles and identifiers of the other dashboards. */
  readonly others: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

const gridColumns = 24;

/** @param runbook where panels lead to that name a section of it */
export function dashboard(spec: DashboardSpec, runbook: Runbook): Document {
  const builder = classic(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(['gatehouse'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .withVariable(
      new DatasourceVariableBuilder('datasource')
        .label('Data source')
        .description('The Prometheus that scrapes this system.')
        .type('prometheus')
        .current({ selected: true, text: 'Prometheus', value: 'prometheus' }),
    )
    .annotations([firingAlerts(), starts()])
    .links([
      ...Object.entries(spec.others).map(([title, uid]) =>
        link(title, `/d/${uid}`).keepTime(true).includeVars(true).icon('dashboard'),
      ),
      link(runbook.title, runbook.url).icon('doc'),
    ]);
  for (const variable of spec.variables) builder.withVariable(toVariable(variable));
  return asFile({ ...builder.build(), panels: placed(spec.rows, runbook) });
}

/** From left to right, a new line where the width is used up; each row of the dashboard begins with its title. */
function placed(rows: readonly Row[], runbook: Runbook): (Panel | RowPanel)[] {
  const panels: (Panel | RowPanel)[] = [];
  let top = 0;
  for (const row of rows) {
    panels.push(rowTitle(row, panels.length + 1, top));
    top += 1;
    let left = 0;
    let lineHeight = 0;
    for (const { panel, width, height, runbook: anchor } of row.panels) {
      if (left + width > gridColumns) {
        top += lineHeight;
        left = 0;
        lineHeight = 0;
      }
      panels.push({
        ...panel,
        id: panels.length + 1,
        gridPos: { x: left, y: top, w: width, h: height },
        ...(anchor === undefined ? {} : { links: [link('What to do', runbook.urlOf(anchor) ?? runbook.url).build()] }),
      });
      left += width;
      lineHeight = Math.max(lineHeight, height);
    }
    top += lineHeight;
  }
  return panels;
}

function rowTitle({ title, repeat }: Row, id: number, top: number): RowPanel {
  const builder = new RowBuilder(title).id(id).collapsed(false).gridPos({ x: 0, y: top, w: gridColumns, h: 1 });
  if (repeat !== undefined) builder.repeat(repeat);
  return { ...builder.build(), panels: [] };
}

function toVariable({ name, label, description, query, isHidden }: VariableSpec): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(dataSource)
    .query({ query, refId: 'StandardVariableQuery' })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ selected: true, text: ['All'], value: ['$__all'] })
    .hide(isHidden === true ? VariableHide.HideVariable : VariableHide.DontHide);
}

function link(title: string, url: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url);
}

function firingAlerts(): AnnotationQueryBuilder {
  return annotation('Alerts', 'red')
    .expr('ALERTS{alertstate="firing", alertname=~"Gatehouse.*"}')
    .titleFormat('{{alertname}}')
    .textFormat('{{site}} {{edge}} {{gate}}')
    .tagKeys('severity');
}

function starts(): AnnotationQueryBuilder {
  return annotation('Starts of programs', 'blue')
    .expr('process_start_time_seconds{job=~"gatehouse-.*"} * 1000')
    .useValueForTime(true)
    .titleFormat('{{job}} started')
    .textFormat('{{instance}}');
}

function annotation(name: string, colour: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder().name(name).datasource(dataSource).enable(true).iconColor(colour);
}
