/** Figure 1: the way from the loop to the open request. */
import { createDecisionStage } from '../decision/stage.js';
import { atMostTimes, measuredTogether } from '../figure.js';
import type { Figure, Measured, Scale } from '../figure.js';
import { median, percentile } from '../statistics.js';

/** Vehicles of each kind, and requests, in one round. */
const vehiclesPerRound: Readonly<Record<Scale, number>> = { full: 150, short: 40 };
/** So many of one, then of the next, within a round: the disk is slower at times. */
const block = 10;
/** Of each kind, and requests. */
const warmUpVehicles = 120;

const floor = 'two commits of one row and one request and reply';

export const decisionFigure: Figure = {
  number: 1,
  title: 'from the sensor to the open request',
  how:
    'A production edge agent and the production aggregator, each in a process of its own, with databases on the disk and default settings. The process of the agent ' +
    'plays its barriers: it reports the edge of the arming loop and takes the time until the open request. One vehicle after the other, 70 to 110 ms after nothing ' +
    'waits any more; they pass, and leave by an exit. Not production: lanes close without delay, and take no harm of so many edges of a loop. The floor is MQTT.js ' +
    '(QoS 1, TCP_NODELAY) and Aedes in two processes, each committing one row of the same bytes with sqlite3 (WAL, synchronous=FULL, a log at its full length): the ' +
    'client before it asks, the server before it replies, at the same pace. Ten of each kind in turn.',
  lines: [
    { key: 'median', what: 'a vehicle that shows nothing, median', unit: 'ms', floor, ...atMostTimes(2, 1.3) },
    { key: 'p99', what: 'the same, 99th percentile', unit: 'ms', floor, ...atMostTimes(4, null) },
    {
      key: 'returningMedian',
      what: 'a regular whose plate has been read, median',
      unit: 'ms',
      floor,
      ...atMostTimes(2, 1.3),
    },
    { key: 'returningP99', what: 'the same, 99th percentile', unit: 'ms', floor, ...atMostTimes(4, null) },
    {
      key: 'firstSeenMedian',
      what: 'a plate that was never seen before, median',
      unit: 'ms',
      floor,
      ...atMostTimes(2, 1.3),
    },
    { key: 'firstSeenP99', what: 'the same, 99th percentile', unit: 'ms', floor, ...atMostTimes(4, null) },
  ],
  rounds: { full: 3, short: 2 },
  async prepare(context) {
    const stage = await createDecisionStage(context);
    const { entrance } = stage;
    const count = vehiclesPerRound[context.scale];
    context.say('warming up');
    await Promise.all([stage.floor.requests(warmUpVehicles), entrance.warmUp(warmUpVehicles)]);
    return {
      measure: measuredTogether(async () => {
        const anonymous: number[] = [];
        const returning: number[] = [];
        const firstSeen: number[] = [];
        const asked: number[] = [];
        while (asked.length < count) {
          asked.push(...(await stage.floor.requests(block)));
          anonymous.push(...(await entrance.anonymous(block)));
          returning.push(...(await entrance.returning(block)));
          firstSeen.push(...(await entrance.firstSeen(block)));
        }
        return { ours: valuesOf(anonymous, returning, firstSeen), floor: valuesOf(asked, asked, asked) };
      }),
      close: () => stage.close(),
    };
  },
};

function valuesOf(
  anonymousMs: readonly number[],
  returningMs: readonly number[],
  firstSeenMs: readonly number[],
): Measured {
  return {
    median: median(anonymousMs),
    p99: percentile(anonymousMs, 99),
    returningMedian: median(returningMs),
    returningP99: percentile(returningMs, 99),
    firstSeenMedian: median(firstSeenMs),
    firstSeenP99: percentile(firstSeenMs, 99),
  };
}
