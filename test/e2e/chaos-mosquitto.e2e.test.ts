/**
 * kill -9 of edges, aggregator and an external broker in turn, shortly.
 * @needs mosquitto
 */
import { afterAll, expect, it, jest } from '@jest/globals';
import { createTidyUp, reportLines, runChaos } from '@gatehouse/simulators';

jest.setTimeout(400_000);

const seed = process.env.GATEHOUSE_TEST_SEED ?? 'short';
const tidyUp = createTidyUp(() => undefined);
afterAll(() => {
  tidyUp.now();
});

it(`with Mosquitto, whatever is killed, everything is counted once (seed ${seed})`, async () => {
  const results = await runChaos({
    only: ['kills'],
    brokers: ['mosquitto'],
    kills: 6,
    seed,
    isShort: true,
    tidyUp,
    say: () => undefined,
  });
  const [result] = results;
  const again = `npm run chaos -- --short --broker mosquitto --only kills --kills 6 --seed ${seed}`;
  if (result?.differences.length !== 0) throw new Error([...reportLines(results), `Again: ${again}`].join('\n'));
  expect(result.reconciled?.entries.counted).toBeGreaterThan(0);
});
