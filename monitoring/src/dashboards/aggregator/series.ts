/** Series of the aggregator's process. */
import { ofProgram } from '../build/queries.js';

/** A series that every Node.js program has, of the aggregators alone. */
export function ofAggregator(metric: string): string {
  return ofProgram(metric, 'job="gatehouse-aggregator"');
}
