/** Where a dashboard leads to when something is wrong. */
export interface Runbook {
  readonly title: string;
  /** Its first page. */
  readonly url: string;
  /** The page of one section, by the anchor of its heading; undefined when there is no such section. */
  urlOf(anchor: string): string | undefined;
}
