/**
 * The form of dashboards that every Grafana in use reads from a file. Its successor is understood only by the newest ones, and so
 * the builders call this one deprecated.
 */
/* eslint-disable @typescript-eslint/no-deprecated */
import { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';

export type Document = Dashboard;
export type DocumentBuilder = DashboardBuilder;

/** A form of Grafana 11: newer ones bring it up to theirs, older ones do not take a newer one. */
const schemaVersion = 39;

/** As it is written down. */
export function asFile(document: Document): Document {
  return { ...document, schemaVersion };
}

export function classic(title: string): DocumentBuilder {
  return new DashboardBuilder(title);
}
