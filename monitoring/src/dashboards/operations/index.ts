/** What the people who run a car park look at: room, traffic, and what waits for a person. */
import { dashboard } from '../build/dashboard.js';
import type { Document } from '../build/dashboard.js';
import type { Runbook } from '../build/runbook.js';
import { identifiers, othersThan, programs, site } from '../variables.js';
import { decisions } from './decisions.js';
import { present } from './now.js';
import { people } from './people.js';
import { room } from './room.js';
import { traffic } from './traffic.js';

export function operations(runbook: Runbook): Document {
  return dashboard(
    {
      uid: identifiers.Operations,
      title: 'Operations',
      description: 'Room, traffic and what waits for a person, for the sites that are chosen above.',
      variables: [...programs, site],
      others: othersThan('Operations'),
      rows: [present, room, traffic, people, decisions],
    },
    runbook,
  );
}
