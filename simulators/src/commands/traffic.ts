/** `simulate traffic`: a day at a car park, driven through gates that run already. */
import { Command, InvalidArgumentError } from 'commander';
import { createScaledClock } from '@gatehouse/shared';
import type { Clock } from '@gatehouse/shared';
import { runUntilSignal, systemClock } from '@gatehouse/shared/node';
import { readRunning } from '../demo/running.js';
import { createSeededRandom } from '../random.js';
import { createGateFleet } from '../traffic/gate-fleet.js';
import { createLiveTraffic } from '../traffic/live.js';
import type { LiveTraffic } from '../traffic/live.js';
import { commuterProfile } from '../traffic/profile.js';
import { UsageError, findEdges } from './find-gates.js';
import type { ControlledEdge } from './find-gates.js';

interface Options {
  readonly data: string;
  readonly control?: readonly string[];
  readonly site?: string;
  readonly seed: string;
  readonly factor: number;
  readonly perDay: number;
  readonly regulars: number;
  readonly timeZone: string;
  readonly plates: boolean;
  readonly json?: boolean;
}

const stopTimeoutMs = 5_000;
const reportEveryMs = 5_000;

export function trafficCommand(): Command {
  return new Command('traffic')
    .description('Send seeded traffic to gates of one site that run already, until interrupted.')
    .option('--site <id>', 'the site, when the demonstration has several')
    .option('--seed <text>', 'the same seed gives the same traffic', 'gatehouse')
    .option('--factor <n>', 'with --control: how many times as fast as real time the agents run', positive, 1)
    .option('--per-day <n>', 'visitors on a working day', positive, 200)
    .option('--regulars <n>', 'vehicles that come on most working days', whole, 30)
    .option('--time-zone <zone>', 'whose mornings and evenings', 'Europe/Berlin')
    .option('--no-plates', 'vehicles without plates')
    .option('--json', 'report as JSON lines')
    .action(async (options: Options) => {
      await runUntilSignal(() => startTraffic(options), stopTimeoutMs);
      // A long poll that is under way would keep the process for some seconds more.
      process.exit();
    });
}

async function startTraffic(options: Options): Promise<{ stop(): Promise<void> }> {
  const edges = ofOneSite(await findEdges(options), options.site);
  const clock = clockOf(options);
  const fleet = createGateFleet(
    edges.map(({ client, gates }) => ({ client, gateIds: gates.map(({ gateId }) => gateId) })),
    systemClock,
  );
  const gates = edges.flatMap((edge) => edge.gates);
  const traffic = createLiveTraffic({
    site: {
      siteId: edges[0]?.siteId ?? options.site ?? 'site',
      profile: commuterProfile({
        timeZone: options.timeZone,
        dailyVisitors: options.perDay,
        regulars: options.regulars,
      }),
      entryGates: gates.filter(({ direction }) => direction !== 'exit').map(({ gateId }) => gateId),
      exitGates: gates.filter(({ direction }) => direction !== 'entry').map(({ gateId }) => gateId),
      hasReaders: options.plates,
    },
    seed: options.seed,
    clock,
    random: createSeededRandom(options.seed, 'live', clock.wallMs()),
    fleet,
    memory: undefined,
    remember: () => undefined,
    askCentre: undefined,
    onTrouble: (sentence) => {
      process.stderr.write(`${sentence}\n`);
    },
  });
  fleet.start();
  await traffic.start();
  const report = setInterval(() => {
    process.stdout.write(`${describe(traffic, clock, options.json === true)}\n`);
  }, reportEveryMs);
  return {
    async stop() {
      clearInterval(report);
      traffic.stop();
      await fleet.stop();
    },
  };
}

function ofOneSite(edges: readonly ControlledEdge[], siteId: string | undefined): readonly ControlledEdge[] {
  const sites = [...new Set(edges.map((edge) => edge.siteId))];
  const wanted = edges.filter((edge) => siteId === undefined || edge.siteId === null || edge.siteId === siteId);
  if (wanted.length === 0) throw new UsageError(`no gates of site "${siteId ?? ''}"; there are ${sites.join(', ')}`);
  if (siteId === undefined && sites.length > 1) throw new UsageError(`name one site with --site: ${sites.join(', ')}`);
  return wanted;
}

function clockOf({ control = [], data, factor }: Options): Clock {
  const time = control.length === 0 ? readRunning(data)?.time : undefined;
  const nowMs = Math.round(systemClock.wallMs());
  return createScaledClock(systemClock, time ?? { simulatedBaseMs: nowMs, realBaseMs: nowMs, factor });
}

function describe(traffic: LiveTraffic, clock: Clock, asJson: boolean): string {
  const counts = traffic.counts();
  const at = new Date(clock.wallMs()).toISOString();
  if (asJson) return JSON.stringify({ at, ...counts });
  const { sent, entered, refused, left, inside } = counts;
  return `${at.slice(0, 16).replace('T', ' ')}  ${String(sent)} came, ${String(entered)} went in, ${String(refused)} did not, ${String(left)} left, ${String(inside)} inside`;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('must be above 0');
  return value;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('must be a whole number, 0 or more');
  return value;
}
