/** What an installer looks at: every edge in one table, then a row for each. */
import { dashboard } from '../build/dashboard.js';
import type { Document } from '../build/dashboard.js';
import type { Runbook } from '../build/runbook.js';
import { edge, identifiers, othersThan, programs, site } from '../variables.js';
import { all } from './all.js';
import { lanes } from './lanes.js';
import { standing } from './standing.js';
import { timing } from './timing.js';

export function edges(runbook: Runbook): Document {
  return dashboard(
    {
      uid: identifiers['Gates and edges'],
      title: 'Gates and edges',
      description:
        'Every edge in one table, then a row for each edge that is chosen above: its gates, its link, its outbox, its clock.',
      variables: [...programs, site, edge],
      others: othersThan('Gates and edges'),
      rows: [all, { title: 'Edge $edge', repeat: 'edge', panels: [...standing, ...lanes, ...timing] }],
    },
    runbook,
  );
}
