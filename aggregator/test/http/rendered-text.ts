import type { Metrics } from '../../src/http/metrics.js';

/** The page of metrics as one text. */
export async function renderedText(metrics: Metrics): Promise<string> {
  return Buffer.concat((await metrics.render()).pieces).toString();
}
