/** The files of an outbox or of the aggregator are overwritten or cut short, while their program is stopped and while it runs. */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../processes/index.js';
import { isIntact, readBooks, readOutbox, saveCopy } from '../databases.js';
import type { Outbox } from '../databases.js';
import { damageFile } from '../file-damage.js';
import type { DamageKind } from '../file-damage.js';
import type { StoredEventRef } from '../reconcile.js';
import { play } from '../scenario.js';
import type { Act, Findings, Scenario } from '../scenario.js';
import { createStage, healDeadlineMs } from '../stage.js';
import type { Stage } from '../stage.js';
import { areMoreReviewsOpen, lookAtReplacedOutboxes, moreTraffic, openReviewKinds } from './common.js';

const kinds: readonly DamageKind[] = ['overwritten', 'truncated'];

export const outboxDamageScenario: Scenario = (context) =>
  play('outbox damaged', context, () => createStage({ ...context, name: 'outbox-damage', edges: 2, slots: 60 }), [
    outboxDamaged,
  ]);

export const outboxDamaged: Act = async (stage, context, findings) => {
  const destroyed: StoredEventRef[] = [];
  const copies: { edgeId: string; outbox: Outbox }[] = [];
  const edgeId = stage.edgeIds.at(-1) ?? '';
  const plan = context.isShort
    ? (['stopped', 'running'] as const)
    : (['stopped', 'running', 'stopped', 'running'] as const);
  for (let round = 0; round < (context.isShort ? 1 : 3); round += 1) {
    for (const [index, when] of plan.entries()) {
      const kind = kinds[Math.floor((index + (context.isShort ? 2 * stage.random.next() : 0)) / 2) % 2] ?? 'truncated';
      await moreTraffic(stage, 3);
      if (when === 'running') {
        copies.push({ edgeId, outbox: await damageRunning(stage, edgeId, kind, findings) });
        continue;
      }
      const copy = await damageStopped(stage, edgeId, kind, findings);
      copies.push({ edgeId, outbox: copy });
      destroyed.push(...copy.events.map((event) => ({ ...event, edgeId, epoch: copy.epoch })));
    }
  }
  await lookAtReplacedOutboxes(stage);
  return { copies, destroyed };
};

/** With events in it that the aggregator has not got: those are lost, and that is alarmed. */
async function damageStopped(stage: Stage, edgeId: string, kind: DamageKind, findings: Findings) {
  const { system, supervisor, traffic } = stage;
  const data = system.edgeFile(edgeId, 'data');
  await stage.link(edgeId).set('cut');
  findings.fault('link cut');
  const left = traffic.passedAt(`${edgeId}-out`);
  await until('vehicles are inside', () => traffic.inside.length > 5, healDeadlineMs);
  traffic.target = 3;
  await until('a vehicle leaves while it is cut off', () => traffic.passedAt(`${edgeId}-out`) > left, healDeadlineMs);
  await traffic.pause(edgeId);
  await supervisor.stop(edgeId);
  const copy = await readOutbox(data);
  if (copy === undefined) throw new Error(`${edgeId} has no outbox`);
  const before = await openReviewKinds(stage, edgeId);
  findings.fault(`outbox ${kind}`);
  findings.note(`${edgeId} stopped: ${damageFile(path.join(data, 'outbox.sqlite'), kind, stage.random)}`);
  await stage.link(edgeId).set('healthy');
  stage.keepEdge(edgeId);
  await stage.edgeOnline(edgeId);
  await stage.drained([edgeId]);
  // Bytes that nothing is read from may be others without anybody knowing; then nothing is lost.
  const lost = await missingOf(stage, edgeId, copy);
  const isAlarmed = lost === 0 || (await areMoreReviewsOpen(stage, edgeId, before.length));
  findings.note(`${edgeId}: ${lost === 0 ? 'no event' : `${String(lost)} events`} destroyed`);
  findings.expect(isAlarmed, `${String(lost)} events of ${edgeId} were destroyed and nothing was raised`);
  traffic.target = 12;
  traffic.resume(edgeId);
  return copy;
}

async function missingOf({ system, siteId }: Stage, edgeId: string, { epoch, events }: Outbox): Promise<number> {
  const books = await readBooks(system.aggregatorDirectory, siteId);
  const stored = new Set(books.events.flatMap((event) => [event.hash, event.origin?.split(':')[2] ?? '']));
  const isOfEpoch = books.events.some((event) => event.edgeId === edgeId && event.epoch === epoch);
  return isOfEpoch ? events.filter(({ hash }) => !stored.has(hash)).length : events.length;
}

/** With everything in it stored: nothing may be lost, whatever is found out when. */
async function damageRunning(stage: Stage, edgeId: string, kind: DamageKind, findings: Findings) {
  const { system, supervisor, traffic } = stage;
  const data = system.edgeFile(edgeId, 'data');
  const copy = await stage.stopQuietly(edgeId);
  stage.keepEdge(edgeId);
  await stage.edgeOnline(edgeId);
  findings.fault(`outbox ${kind} while it runs`);
  findings.note(`${edgeId} running: ${damageFile(path.join(data, 'outbox.sqlite'), kind, stage.random)}`);
  traffic.resume(edgeId);
  await moreTraffic(stage, 4);
  await traffic.pause(edgeId);
  await stage.drained([edgeId]);
  supervisor.kill(edgeId);
  await until('it is gone', () => !supervisor.isRunning(edgeId) || stage.isControlled(edgeId), healDeadlineMs);
  await stage.edgeOnline(edgeId);
  await stage.drained([edgeId]);
  traffic.resume(edgeId);
  return copy;
}

export const storeDamageScenario: Scenario = (context) =>
  play('store damaged', context, () => createStage({ ...context, name: 'store-damage', edges: 2, slots: 60 }), [
    storeDamaged,
  ]);

export const storeDamaged: Act = async (stage, context, findings) => {
  const isFirst = stage.random.next() < 0.5;
  for (let round = 0; round < (context.isShort ? 1 : 3); round += 1) {
    for (const kind of context.isShort ? kinds.slice(isFirst ? 0 : 1).slice(0, 1) : kinds) {
      for (const isStopped of context.isShort ? [stage.random.next() < 0.5] : [true, false]) {
        await moreTraffic(stage, 3);
        await damageStore(stage, kind, isStopped, findings);
      }
    }
  }
  return {};
};

/** A copy is taken, life goes on, the file is damaged, the program refuses it, and the copy takes its place. */
async function damageStore(stage: Stage, kind: DamageKind, isStopped: boolean, findings: Findings): Promise<void> {
  const { system, supervisor } = stage;
  const file = path.join(system.aggregatorDirectory, 'gatehouse.db');
  const copy = path.join(system.directory, 'gatehouse-copy.db');
  rmSync(copy, { force: true });
  await saveCopy(file, copy);
  await moreTraffic(stage, 4);
  if (!isStopped) {
    // What has been written so far goes from the log into the file.
    await supervisor.stop('aggregator');
    await stage.keepAggregator();
    await moreTraffic(stage, 2);
  }
  if (isStopped) await supervisor.stop('aggregator');
  const when = isStopped ? 'stopped' : 'running';
  findings.fault(isStopped ? `store ${kind}` : `store ${kind} while it runs`);
  findings.note(`aggregator ${when}: ${damageFile(file, kind, stage.random)}`);
  if (!isStopped) await supervisor.stop('aggregator', 'SIGKILL');
  const refused = await system.launchAggregator();
  const code = await Promise.race([refused.exited, stage.ready().then(() => 'ready' as const)]);
  await refused.kill();
  if (code === 'ready') {
    // What was overwritten or cut off may stand in the log as well; then nothing is missing.
    findings.expect(await isIntact(file), `the aggregator opened a store that was ${kind} (${when})`);
    findings.note('nothing was missing: the log had it all');
  } else {
    const said = refused.output.trim();
    findings.expect(
      said.includes('damaged'),
      `the aggregator did not say that its store is damaged: ${said.slice(-300)}`,
    );
  }
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  await saveCopy(copy, file);
  findings.fault('store restored from an old copy');
  if (!existsSync(file)) throw new Error('the copy was not put in place');
  await stage.keepAggregator();
  for (const edgeId of stage.edgeIds) await stage.edgeOnline(edgeId);
}
