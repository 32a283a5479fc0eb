/** Asks a Prometheus what every panel of a dashboard asks, as Grafana would. */
import { graphs } from './documents.js';
import type { Dashboard, Target, Variable } from './documents.js';
import type { Prometheus, Series } from './prometheus.js';

export interface PanelQuery {
  readonly dashboard: string;
  readonly panel: string;
  readonly target: Target;
}

export interface PanelAnswer extends PanelQuery {
  readonly series: readonly Series[];
}

/** What stands for the variables of a dashboard. */
export type Values = Readonly<Record<string, string>>;

export function queriesOf(dashboards: readonly Dashboard[]): PanelQuery[] {
  return dashboards.flatMap((dashboard) =>
    graphs(dashboard).flatMap(({ title: panel = '', targets = [] }) =>
      targets.map((target) => ({ dashboard: dashboard.title, panel, target })),
    ),
  );
}

/** @param sinceSeconds when the time that is shown began */
export async function askPanel(
  prometheus: Prometheus,
  query: PanelQuery,
  values: Values,
  sinceSeconds: number,
): Promise<PanelAnswer> {
  const expr = substitute(query.target.expr, values);
  const series = await prometheus.ask(query.target.instant === true ? { expr } : { expr, sinceSeconds });
  return { ...query, series };
}

/** The choices that a variable offers. */
export async function choicesOf(prometheus: Prometheus, variable: Variable, values: Values): Promise<string[]> {
  const { query } = variable.query as { query: string };
  const [, match = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
  return prometheus.labelValues(substitute(match, values), label);
}

/** @throws RangeError for a variable that stands for nothing */
export function substitute(expr: string, values: Values): string {
  return expr.replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`nothing is known of $${name} in ${expr}`);
    return value;
  });
}

/** A table of what each query answered, for people. */
export function tableOf(answers: readonly PanelAnswer[]): string {
  const lines = answers.map(({ dashboard, panel, target, series }) => {
    const cells = [dashboard, panel, target.refId, String(series.length), exampleOf(target, series)];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| dashboard | panel | query | series | for example |', '| --- | --- | --- | --- | --- |', ...lines, ''].join(
    '\n',
  );
}

/** The series with the largest latest value. */
function exampleOf(target: Target, all: readonly Series[]): string {
  const latest = ({ values }: Series): number => values.at(-1) ?? Number.NEGATIVE_INFINITY;
  const [largest] = [...all].sort((one, other) => latest(other) - latest(one));
  if (largest === undefined) return 'nothing';
  const name = (target.legendFormat ?? '').replaceAll(
    /\{\{(\w+)\}\}/g,
    (_, label: string) => largest.metric[label] ?? '',
  );
  const value = String(Number(latest(largest).toPrecision(4)));
  return name === '__auto' || name === '' ? value : `${name}: ${value}`;
}
