/** A thread of the check: works out the lines it is asked for, by number. */
import { parentPort } from 'node:worker_threads';
import { checks } from './check.js';

const port = parentPort;
if (port === null) throw new Error('this runs in a thread of its own');

port.on('message', (number: number) => {
  port.postMessage(checks[number]?.());
});
