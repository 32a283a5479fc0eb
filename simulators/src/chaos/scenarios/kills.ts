/** kill -9 at any moment, of any process, under traffic, again and again. */
import { delay } from '../../processes/index.js';
import { exponential, pick, wholeBelow } from '../../random.js';
import { attend } from '../attendant.js';
import { play } from '../scenario.js';
import type { Act, Scenario } from '../scenario.js';
import { createStage } from '../stage.js';
import type { Stage } from '../stage.js';
import { moreTraffic } from './common.js';

export const killSlots = 24;
const meanPauseMs = 900;
const maxPauseMs = 3_000;
/** After so many kills somebody looks after the vehicles that nobody can account for. */
const killsBetweenRounds = 20;
/** Until a process is there to be killed. */
const nothingToKillMs = 50;

export const killsScenario: Scenario = (context) =>
  play(
    'kill -9',
    context,
    () => createStage({ ...context, name: 'kills', edges: context.isShort ? 2 : 3, slots: killSlots }),
    [kills],
  );

export const kills: Act = async (stage, context, findings) => {
  let settledPassed = { entry: 0, exit: 0 };
  for (let done = 0; done < context.kills; done += 1) {
    await killOne(stage);
    if (done % killsBetweenRounds !== killsBetweenRounds - 1) continue;
    context.say(`${String(done + 1)} of ${String(context.kills)} kills`);
    await stage.ready();
    const settled = await attend(stage);
    settledPassed = { entry: settledPassed.entry + settled.entry, exit: settledPassed.exit + settled.exit };
  }
  // Some more in peace: what was killed last has to work again.
  stage.traffic.target = 10;
  await stage.ready();
  await moreTraffic(stage, 6);
  findings.note(`${String(stage.traffic.turnedAway)} turned away`);
  return { settledPassed };
};

async function killOne(stage: Stage): Promise<void> {
  const { random, supervisor, edgeIds, mosquitto, traffic } = stage;
  await delay(Math.min(maxPauseMs, exponential(random, meanPauseMs)));
  const target = pick(random, [
    [edgeIds[wholeBelow(random, edgeIds.length)] ?? '', 5],
    ['aggregator', 3],
    ['broker', mosquitto === null ? 0 : 3],
  ]);
  // At times more want in than there is room.
  traffic.target = 4 + wholeBelow(random, killSlots + 8);
  while (!supervisor.kill(target)) await delay(nothingToKillMs);
}
