/** The network between an edge and its broker is cut, goes half dead or becomes slow, and heals, while vehicles pass. */
import { delay, until } from '../../processes/index.js';
import { wholeBelow } from '../../random.js';
import { readBooks } from '../databases.js';
import { play } from '../scenario.js';
import type { Act, Findings, Scenario } from '../scenario.js';
import { createStage, healDeadlineMs } from '../stage.js';
import type { Stage } from '../stage.js';
import type { LinkState } from '../tcp-proxy.js';
import { moreTraffic, passagesAt, vehicleOf } from './common.js';

const slots = 40;
const faults: readonly LinkState[] = ['cut', 'half-open', 'slow'];
const shortestFaultMs = 300;
const longestFaultMs = 5_000;

export const linkScenario: Scenario = (context) =>
  play('link', context, () => createStage({ ...context, name: 'link', edges: 2, slots, slowMs: 300 }), [brokenLinks]);

export const brokenLinks: Act = async (stage, context, findings) => {
  const { random, edgeIds } = stage;
  await moreTraffic(stage, 3);
  const rounds = context.isShort ? faults.length : 30;
  for (let round = 0; round < rounds; round += 1) {
    const edgeId = edgeIds[wholeBelow(random, edgeIds.length)] ?? '';
    const state = faults[round < faults.length ? round : wholeBelow(random, faults.length)] ?? 'cut';
    findings.fault(`link ${state}`);
    await stage.link(edgeId).set(state);
    await delay(shortestFaultMs + random.next() * (context.isShort ? longestFaultMs / 3 : longestFaultMs));
    await stage.link(edgeId).set('healthy');
    await delay(random.next() * 1_000);
  }
  for (const edgeId of edgeIds) await stage.edgeOnline(edgeId);
  await cutOff(stage, edgeIds[0] ?? '', findings);
  return {};
};

/** Long enough for vehicles to come while nobody can be asked: exits let out, entries admit into what was set aside. */
async function cutOff(stage: Stage, edgeId: string, findings: Findings): Promise<void> {
  const { system, siteId, traffic } = stage;
  await stage.drained([edgeId]);
  const held = await heldBy(stage, edgeId);
  const timesDown = (): number => (system.edges.get(edgeId)?.output ?? '').split('the link is down').length;
  const timesDownBefore = timesDown();
  await stage.link(edgeId).set('cut');
  findings.fault('link cut');
  await until(`${edgeId} knows that it is cut off`, () => timesDown() > timesDownBefore, healDeadlineMs);
  // Who was seen before may have been admitted before, and pass only now.
  const before = new Set(system.happenings(edgeId).map(vehicleOf));
  const passedAt = (gateId: string, others: ReadonlySet<unknown> = new Set()): number =>
    passagesAt(stage, edgeId, gateId).filter((line) => !others.has(vehicleOf(line))).length;
  const left = passedAt(`${edgeId}-out`);
  // Both gates of the other edge would take the vehicles away.
  for (const other of stage.edgeIds.filter((name) => name !== edgeId)) await traffic.pause(other);
  traffic.target = traffic.inside.length + 3;
  if (held > 0) {
    await until('entries admit alone', () => passedAt(`${edgeId}-in`, before) > 0, healDeadlineMs);
    await stage.traffic.pause(edgeId);
  } else {
    findings.note('no slot was set aside: entries deny while cut off');
  }
  traffic.resume(edgeId);
  traffic.target = 2;
  await until('exits let out alone', () => passedAt(`${edgeId}-out`) > left, healDeadlineMs);
  const locally = passedAt(`${edgeId}-in`, before);
  await stage.link(edgeId).set('healthy');
  for (const other of stage.edgeIds) traffic.resume(other);
  traffic.target = 12;
  await stage.edgeOnline(edgeId);
  await stage.drained([edgeId]);
  const { events } = await readBooks(system.aggregatorDirectory, siteId);
  const admitted = events.filter(
    ({ kind, body, edgeId: by }) =>
      by === edgeId && kind === 'vehicle-admitted' && (JSON.parse(body) as { basis: string }).basis === 'allowance',
  );
  findings.expect(
    admitted.length >= locally,
    `${String(locally)} vehicles came in while ${edgeId} was cut off; ${String(admitted.length)} admissions by allowance are stored`,
  );
  findings.note(`admitted by allowance while cut off: ${String(locally)} of ${String(held)} slots set aside`);
}

async function heldBy({ system, siteId }: Stage, edgeId: string): Promise<number> {
  const { slots: rows } = await readBooks(system.aggregatorDirectory, siteId);
  return rows.filter((slot) => slot.heldBy === edgeId).length;
}
