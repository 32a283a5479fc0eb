/** The dashboards, each with the name of its file. */
import { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';

/** File name without its ending → dashboard. */
export function dashboards(): Readonly<Record<string, Dashboard>> {
  return { operations: new DashboardBuilder('Operations').uid('gatehouse-operations').build() };
}
