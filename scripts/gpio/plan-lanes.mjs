/** Whole days at three lanes, a kill -9 in mid-pulse among them, and then barriers that are wired wrongly. */
import { acknowledged, configure, restoreSafeLevels, startAgent, tellOutbox } from './agent.mjs';
import { tell } from './console.mjs';
import { busyBcm, drive, gateIds, hideSysfsGpio, output, tellLevels, watch } from './lines.mjs';
import { armCloses, armOpens, play } from './scenarios.mjs';
import { wireWrongly } from './wiring.mjs';

/** @param {import('./agent.mjs').Identity} identity */
export async function lanes(identity) {
  configure(identity);
  for (const gate of gateIds) drive(gate, 'limit-closed', true);
  const first = startAgent();
  const unwatch = watch();
  await first.started;
  await play(['bounce', 'passage', 'backOut', 'underTheArm', 'tailgate', 'stuckLoop', 'stuckArm', 'exit']);
  await killInMidPulse(first);

  // The second agent chooses its driver itself: sysfs where there is one.
  if (identity.driver === 'character-device') hideSysfsGpio();
  configure(identity, { driver: 'gpio' });
  const second = startAgent();
  await second.started;
  tell('scenario', { name: 'again', gate: 'entry-1' });
  await armOpens('entry-1');
  await output('entry-1', 'green', true);
  drive('entry-1', 'arming', false);
  await armCloses('entry-1');
  await acknowledged();
  tell('scenario', { name: 'stop' });
  second.agent.kill('SIGTERM');
  tell('ended', { code: await second.ended });
  unwatch();
  tellLevels('the end');
  await tellOutbox('the end');

  await wireWrongly(identity.driver);
  await refused(identity, { red: busyBcm });
}

/** What the service manager does when the agent has been killed is done here: the command of the unit's ExecStopPost.
 * @param {ReturnType<typeof startAgent>} running
 */
async function killInMidPulse({ agent, ended }) {
  tell('scenario', { name: 'kill', gate: 'entry-1' });
  drive('entry-1', 'arming', true);
  await output('entry-1', 'open', true);
  tell('killed');
  agent.kill('SIGKILL');
  await ended;
  tellLevels('killed');
  const restored = restoreSafeLevels();
  await output('entry-1', 'open', false);
  tell('safe');
  tell('restored', await restored);
}

/** @param {import('./agent.mjs').Identity} identity @param {Parameters<typeof configure>[1]} change */
async function refused(identity, change) {
  configure(identity, change);
  let text = '';
  const { ended } = startAgent({ onError: (part) => (text += part) });
  const code = await ended;
  tell('refused', { name: 'agent', code, text: text.slice(-2_000) });
}
