/** Whole days at three lanes, a kill -9 in mid-pulse and a restart among them, then the installer's tools, and barriers that are wired wrongly. */
import { setTimeout as pause } from 'node:timers/promises';
import { acknowledged, configure, restoreSafeLevels, startAgent, steadyMs, tellOutbox } from './agent.mjs';
import { tell } from './console.mjs';
import { busyBcm, drive, gateIds, hideSysfsGpio, output, tellLevels, watch } from './lines.mjs';
import { armCloses, armOpens, isLetIn, play } from './scenarios.mjs';
import { useTools } from './tools.mjs';
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
  await pause(steadyMs);
  const third = await restartOnTheWay('entry-1', second);
  await acknowledged();
  tell('scenario', { name: 'stop' });
  third.agent.kill('SIGTERM');
  tell('ended', { code: await third.ended });
  unwatch();
  tellLevels('the end');
  await tellOutbox('the end');

  await useTools(identity);
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

/** A vehicle that was let in stands on both loops for longer than the agent waits for it, and goes on when the next agent is there.
 * @param {import('./lines.mjs').GateId} gate
 * @param {ReturnType<typeof startAgent>} running
 */
async function restartOnTheWay(gate, { agent, ended }) {
  tell('scenario', { name: 'restart', gate });
  await isLetIn(gate);
  drive(gate, 'safety', true);
  await pause(steadyMs);
  agent.kill('SIGTERM');
  tell('restart', { code: await ended });
  await tellOutbox('restart');
  const next = startAgent();
  await next.started;
  tell('restarted');
  drive(gate, 'arming', false);
  await pause(steadyMs);
  drive(gate, 'safety', false);
  await armCloses(gate);
  return next;
}

/** @param {import('./agent.mjs').Identity} identity @param {Parameters<typeof configure>[1]} change */
async function refused(identity, change) {
  configure(identity, change);
  let text = '';
  const { ended } = startAgent({ onError: (part) => (text += part) });
  const code = await ended;
  tell('refused', { name: 'agent', code, text: text.slice(-2_000) });
}
