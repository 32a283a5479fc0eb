/** What whoever runs the aggregator looks at: does it keep up, and what does it cost. */
import { dashboard } from '../build/dashboard.js';
import type { Document } from '../build/dashboard.js';
import type { Runbook } from '../build/runbook.js';
import { identifiers, othersThan, programs, site } from '../variables.js';
import { broker } from './broker.js';
import { commits } from './commits.js';
import { health } from './health.js';
import { http } from './http.js';
import { ingest } from './ingest.js';
import { machine } from './machine.js';
import { queues } from './queues.js';

export function aggregator(runbook: Runbook): Document {
  return dashboard(
    {
      uid: identifiers.Aggregator,
      title: 'Aggregator',
      description:
        'Whether the aggregator keeps up: events, decisions, commits, queues, requests, broker, disk, process.',
      variables: [...programs, site],
      others: othersThan('Aggregator'),
      rows: [health, ingest, commits, queues, http, broker, machine],
    },
    runbook,
  );
}
