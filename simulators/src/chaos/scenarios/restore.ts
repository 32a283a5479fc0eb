/** A data directory is replaced by an old copy of itself, or runs twice. */
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { delay } from '../../processes/index.js';
import { saveCopy } from '../databases.js';
import type { Outbox } from '../databases.js';
import { play } from '../scenario.js';
import type { Act, Findings, Scenario } from '../scenario.js';
import { createStage } from '../stage.js';
import type { Stage } from '../stage.js';
import type { Direction } from '../witness.js';
import { areMoreReviewsOpen, lookAtReplacedOutboxes, moreTraffic, openReviewKinds, passagesAt } from './common.js';

export const edgeRestoreScenario: Scenario = (context) =>
  play('edge restored', context, () => createStage({ ...context, name: 'edge-restore', edges: 2, slots: 60 }), [
    edgeRestored,
  ]);

export const edgeRestored: Act = async (stage, context, findings) => {
  const copies: { edgeId: string; outbox: Outbox }[] = [];
  const edgeId = stage.edgeIds.at(-1) ?? '';
  for (let round = 0; round < (context.isShort ? 1 : 4); round += 1) {
    await moreTraffic(stage, 4);
    const { older, newer } = await restoreEdge(stage, edgeId, findings);
    copies.push({ edgeId, outbox: older }, { edgeId, outbox: newer });
    await moreTraffic(stage, 4);
  }
  await lookAtReplacedOutboxes(stage);
  return { copies };
};

async function restoreEdge(stage: Stage, edgeId: string, findings: Findings) {
  const { system, traffic } = stage;
  const data = system.edgeFile(edgeId, 'data');
  const copy = path.join(system.directory, 'old-edge');
  const older = await stage.stopQuietly(edgeId);
  rmSync(copy, { recursive: true, force: true });
  cpSync(data, copy, { recursive: true });
  stage.keepEdge(edgeId);
  await stage.edgeOnline(edgeId);
  traffic.resume(edgeId);
  const passed = (): number => traffic.passedAt(`${edgeId}-in`) + traffic.passedAt(`${edgeId}-out`);
  const before = passed();
  await moreTraffic(stage, 2, () => passed() > before);
  const newer = await stage.stopQuietly(edgeId);
  const reviews = (await openReviewKinds(stage, edgeId)).length;
  rmSync(data, { recursive: true, force: true });
  cpSync(copy, data, { recursive: true });
  findings.fault('edge restored from an old copy');
  stage.keepEdge(edgeId);
  await stage.edgeOnline(edgeId);
  await stage.drained([edgeId]);
  const isAlarmed = await areMoreReviewsOpen(stage, edgeId, reviews);
  findings.expect(isAlarmed, `nothing was raised after ${edgeId} was restored from an old copy`);
  traffic.resume(edgeId);
  return { older, newer };
}

export const storeRestoreScenario: Scenario = (context) =>
  play('store restored', context, () => createStage({ ...context, name: 'store-restore', edges: 2, slots: 60 }), [
    storeRestored,
  ]);

const storeRestored: Act = async (stage, context, findings) => {
  const { system, supervisor } = stage;
  const file = path.join(system.aggregatorDirectory, 'gatehouse.db');
  const copy = path.join(system.directory, 'gatehouse-copy.db');
  for (let round = 0; round < (context.isShort ? 1 : 4); round += 1) {
    await moreTraffic(stage, 4);
    rmSync(copy, { force: true });
    await saveCopy(file, copy);
    await moreTraffic(stage, 6);
    await supervisor.stop('aggregator', round % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    await saveCopy(copy, file);
    findings.fault('store restored from an old copy');
    await stage.keepAggregator();
    for (const edgeId of stage.edgeIds) await stage.edgeOnline(edgeId);
    await moreTraffic(stage, 4);
    const raised = (await openReviewKinds(stage)).includes('store-restored');
    findings.expect(raised, 'nothing was raised after the store was restored from an old copy');
  }
  return {};
};

export const cloneScenario: Scenario = (context) =>
  play('edge cloned', context, () => createStage({ ...context, name: 'clone', edges: 2, slots: 60 }), [edgeCloned]);

export const edgeCloned: Act = async (stage, context, findings) => {
  const { system, supervisor, traffic } = stage;
  const edgeId = stage.edgeIds.at(-1) ?? '';
  const twin = `${edgeId}-twin`;
  await moreTraffic(stage, 4);
  await stage.stopQuietly(edgeId);
  await system.cloneEdge(edgeId, twin);
  findings.fault('edge cloned');
  stage.keepEdge(edgeId);
  supervisor.keep(twin, () => system.startEdge(twin));
  traffic.resume(edgeId);
  const twinGate = (gateId: string, direction: Direction) => ({ gateId, edgeId, direction, processName: twin });
  traffic.add([twinGate(`${edgeId}-in`, 'entry'), twinGate(`${edgeId}-out`, 'exit')]);
  // Until a vehicle has passed at each of the two they have one history, and nothing to differ by.
  // By what each process saw: their gates have the same names.
  const before = passagesAt(stage, edgeId).length;
  const haveBothSeenSome = (): boolean =>
    passagesAt(stage, edgeId).length > before && passagesAt(stage, twin).length > 0;
  await moreTraffic(stage, context.isShort ? 6 : 40, haveBothSeenSome);
  await delay(stage.random.next() * 2_000);
  // One after the other has the identity for itself, and brings what it has.
  await Promise.all([traffic.pause(edgeId), traffic.pause(twin)]);
  await supervisor.stop(twin);
  const original = await stage.stopQuietly(edgeId);
  supervisor.keep(twin, () => system.startEdge(twin));
  const outbox = await stage.stopDrained(twin, edgeId);
  findings.expect(
    (await openReviewKinds(stage, edgeId)).some((kind) => kind === 'identity-conflict' || kind === 'epoch-replaced'),
    'two agents with one identity were not noticed',
  );
  return {
    outboxes: [{ edgeId, outbox }],
    copies: [{ edgeId, outbox: original }],
    twins: [twin],
    identityMayBeLost: true,
  };
};
