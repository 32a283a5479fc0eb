/** kill -9 at any moment, of any process, under traffic, again and again. */
import { delay } from '../../processes/index.js';
import { exponential, pick, wholeBelow } from '../../random.js';
import { attend } from '../attendant.js';
import { play } from '../scenario.js';
import type { Scenario, ScenarioContext } from '../scenario.js';
import { createStage } from '../stage.js';
import type { Stage } from '../stage.js';

const slots = 24;
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
    () =>
      createStage({
        name: 'kills',
        seed: context.seed,
        edges: context.isShort ? 2 : 3,
        slots,
        broker: context.broker,
        tidyUp: context.tidyUp,
      }),
    async (stage, findings) => {
      stage.traffic.start();
      let settledPassed = { entry: 0, exit: 0 };
      for (let done = 0; done < context.kills; done += 1) {
        await killOne(stage, context, done);
        if (done % killsBetweenRounds !== killsBetweenRounds - 1) continue;
        context.say(`${String(done + 1)} of ${String(context.kills)} kills`);
        await stage.ready();
        const settled = await attend(stage);
        settledPassed = { entry: settledPassed.entry + settled.entry, exit: settledPassed.exit + settled.exit };
      }
      // Some more in peace: what was killed last has to work again.
      const { passed } = stage.traffic;
      const before = passed.entry + passed.exit;
      stage.traffic.target = 10;
      const reconciled = await settleAfter(stage, before + 6, settledPassed);
      findings.note(`${String(stage.traffic.turnedAway)} turned away`);
      return reconciled;
    },
  );

async function killOne(stage: Stage, { say }: ScenarioContext, index: number): Promise<void> {
  const { random, supervisor, edgeIds, mosquitto, traffic } = stage;
  await delay(Math.min(maxPauseMs, exponential(random, meanPauseMs)));
  const target = pick(random, [
    [edgeIds[wholeBelow(random, edgeIds.length)] ?? '', 5],
    ['aggregator', 3],
    ['broker', mosquitto === null ? 0 : 3],
  ]);
  // At times more want in than there is room.
  traffic.target = 4 + wholeBelow(random, slots + 8);
  while (!supervisor.kill(target)) await delay(nothingToKillMs);
  if (index === 0) say(`the first kill: ${target}`);
}

async function settleAfter(stage: Stage, passages: number, settledPassed: { entry: number; exit: number }) {
  const { passed } = stage.traffic;
  const endAtMs = performance.now() + 60_000;
  while (passed.entry + passed.exit < passages && performance.now() < endAtMs) await delay(nothingToKillMs);
  return stage.settleAndReconcile({ settledPassed });
}
