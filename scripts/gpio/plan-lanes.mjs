/** Whole days at three lanes, a kill -9 among them, and then agents that are wired wrongly. */
import { tell } from './console.mjs';
import { acknowledged, configure, startAgent, tellOutbox } from './agent.mjs';
import { busyBcm, drive, gateIds, tellLevels, watch } from './lines.mjs';
import { play } from './scenarios.mjs';

/** @param {import('./agent.mjs').Identity} identity */
export async function lanes(identity) {
  configure(identity);
  for (const gate of gateIds) drive(gate, 'limit-closed', true);
  const { agent, started, ended } = startAgent();
  const unwatch = watch();
  await started;
  await play(['bounce', 'passage', 'backOut', 'underTheArm', 'tailgate', 'stuckArm', 'stuckLoop', 'exit']);
  await acknowledged();
  tell('scenario', { name: 'stop' });
  agent.kill('SIGTERM');
  tell('ended', { code: await ended });
  unwatch();
  tellLevels();
  await tellOutbox('the end');
  await refused(identity, 'busy', { red: busyBcm });
}

/** @param {import('./agent.mjs').Identity} identity @param {string} name @param {Parameters<typeof configure>[1]} change */
async function refused(identity, name, change) {
  configure(identity, change);
  let text = '';
  const { ended } = startAgent({ onError: (part) => (text += part) });
  const code = await ended;
  tell('refused', { name, code, text: text.slice(-2_000) });
}
