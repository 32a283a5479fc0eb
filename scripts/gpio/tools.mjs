/** What an installer runs while no agent does. What each tool printed is told; the test outside judges it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { configurationFile, configure, program, steadyMs } from './agent.mjs';
import { tell, until } from './console.mjs';
import { busyBcm, drive, tellLevels, watch } from './lines.mjs';
import { armCloses, armOpens } from './scenarios.mjs';

const gate = 'entry-1';
/** Long enough for a loop to become active and clear. */
const watchSeconds = 6;
/** A doctor bounds its checks by the clock, which a busy machine that is emulated may not keep up with. */
const tooSlow = /"gpio","verdict":"fail","says":"no answer within/;
const maxLooks = 3;

/** The arm of `entry-1` has to be closed, and its loops clear.
 * @param {import('./agent.mjs').Identity} identity
 */
export async function useTools(identity) {
  const unwatch = watch();
  // One look at a gate with a line that belongs to something else, and at two that are wired well.
  configure(identity, { red: busyBcm });
  for (let looks = 1; tooSlow.test(await run('doctor', [])) && looks < maxLooks; looks += 1);
  configure(identity);
  await run('watch', ['--seconds', String(watchSeconds)], async (said) => {
    await until('the lines are watched', () => said().includes('\n'));
    drive(gate, 'arming', true);
    await pause(steadyMs);
    drive(gate, 'arming', false);
  });
  await run('test-barrier', [gate, '--yes'], async () => {
    await armOpens(gate);
    await armCloses(gate);
  });
  unwatch();
  tellLevels('after the tools');
}

/** Answers what the tool printed.
 * @param {string} name
 * @param {readonly string[]} more
 * @param {(said: () => string) => Promise<void>} [happen] what happens at the gate meanwhile; `said` is what the tool has printed
 */
async function run(name, more, happen = () => Promise.resolve()) {
  tell('scenario', { name, gate });
  const tool = spawn(process.execPath, [program, name, ...more, '--config', configurationFile, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  tool.stdout.setEncoding('utf8').on('data', (/** @type {string} */ part) => (text += part));
  const ended = once(tool, 'close');
  await Promise.race([happen(() => text), ended]);
  const [code] = await ended;
  tell('tool', { name, code, lines: text.trim().split('\n') });
  return text;
}
