/** What a thread of a campaign does: runs the world of each seed it is handed, and answers what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { createAuditor } from './auditor/index.js';
import { createPeople } from './people/people.js';
import { runWorld } from './run-world.js';
import { scenarioOf } from './scenario-of.js';
import type { ScenarioOverrides } from './scenario-of.js';
import { createStreet } from './street/street.js';

const overrides = workerData as ScenarioOverrides;
const port = parentPort;
if (port === null) throw new Error('this runs in a thread of its own');

port.on('message', (seed: number) => {
  const parts = { createStreet, createPeople, createAuditor: () => createAuditor() };
  runWorld({ scenario: scenarioOf(seed, overrides), parts }).then(
    (result) => {
      port.postMessage(result);
    },
    (error: unknown) => {
      // Ends the thread with it, as every mistake does.
      setImmediate(() => {
        throw error;
      });
    },
  );
});
