/** The files of an outbox or of the aggregator are overwritten or cut short, while their program is stopped and while it runs. */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../processes/index.js';
import { readOutbox, saveCopy } from '../databases.js';
import { damageFile } from '../file-damage.js';
import type { DamageKind } from '../file-damage.js';
import type { StoredEventRef } from '../reconcile.js';
import { play } from '../scenario.js';
import type { Findings, Scenario } from '../scenario.js';
import { createStage, healDeadlineMs } from '../stage.js';
import type { Stage } from '../stage.js';
import { moreTraffic, openReviewKinds } from './common.js';

const kinds: readonly DamageKind[] = ['overwritten', 'truncated'];

export const outboxDamageScenario: Scenario = (context) =>
  play(
    'outbox damaged',
    context,
    () => createStage({ ...context, name: 'outbox-damage', edges: 2, slots: 60 }),
    async (stage, findings) => {
      const destroyed: StoredEventRef[] = [];
      const copies = [];
      stage.traffic.target = 12;
      stage.traffic.start();
      for (let round = 0; round < (context.isShort ? 1 : 3); round += 1) {
        for (const kind of kinds) {
          const [edgeId = ''] = stage.edgeIds;
          await moreTraffic(stage, 4);
          const copy = await damageStopped(stage, edgeId, kind, findings);
          copies.push({ edgeId, outbox: copy });
          const { epoch } = copy;
          destroyed.push(...copy.events.map((event) => ({ ...event, edgeId, epoch })));
          await moreTraffic(stage, 4);
          copies.push({ edgeId, outbox: await damageRunning(stage, edgeId, kind, findings) });
        }
      }
      return stage.settleAndReconcile({ copies, destroyed });
    },
  );

/** With events in it that the aggregator has not got: those are lost, and that is alarmed. */
async function damageStopped(stage: Stage, edgeId: string, kind: DamageKind, findings: Findings) {
  const { system, supervisor, traffic } = stage;
  const data = system.edgeFile(edgeId, 'data');
  await stage.link(edgeId).set('cut');
  const left = traffic.passed.exit;
  traffic.target = 3;
  await until('vehicles leave while it is cut off', () => traffic.passed.exit > left + 1, healDeadlineMs);
  await traffic.pause(edgeId);
  await supervisor.stop(edgeId);
  const copy = await readOutbox(data);
  if (copy === undefined) throw new Error(`${edgeId} has no outbox`);
  const before = await openReviewKinds(stage, edgeId);
  findings.note(`${edgeId} stopped: ${damageFile(path.join(data, 'outbox.sqlite'), kind, stage.random)}`);
  await stage.link(edgeId).set('healthy');
  stage.keepEdge(edgeId);
  await stage.edgeOnline(edgeId);
  await stage.drained([edgeId]);
  const after = await openReviewKinds(stage, edgeId);
  const alarms = after.length - before.length;
  findings.expect(alarms > 0, `nothing was raised after the outbox of ${edgeId} was ${kind}`);
  traffic.target = 12;
  traffic.resume(edgeId);
  return copy;
}

/** With everything in it stored: nothing may be lost, whatever is found out when. */
async function damageRunning(stage: Stage, edgeId: string, kind: DamageKind, findings: Findings) {
  const { system, supervisor, traffic } = stage;
  const data = system.edgeFile(edgeId, 'data');
  const copy = await stage.stopQuietly(edgeId);
  stage.keepEdge(edgeId);
  await stage.edgeOnline(edgeId);
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
  play(
    'store damaged',
    context,
    () => createStage({ ...context, name: 'store-damage', edges: 2, slots: 60 }),
    async (stage, findings) => {
      stage.traffic.target = 12;
      stage.traffic.start();
      for (let round = 0; round < (context.isShort ? 1 : 3); round += 1) {
        for (const kind of kinds) {
          for (const isStopped of context.isShort ? [kind === 'truncated'] : [true, false]) {
            await moreTraffic(stage, 3);
            await damageStore(stage, kind, isStopped, findings);
          }
        }
      }
      return stage.settleAndReconcile();
    },
  );

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
  findings.note(`aggregator ${when}: ${damageFile(file, kind, stage.random)}`);
  if (!isStopped) await supervisor.stop('aggregator', 'SIGKILL');
  const refused = await system.launchAggregator();
  const code = await Promise.race([refused.exited, stage.ready().then(() => 'ready' as const)]);
  if (code === 'ready') findings.expect(false, `the aggregator opened a store that was ${kind} (${when})`);
  else {
    const said = refused.output.trim();
    findings.expect(
      said.includes('damaged'),
      `the aggregator did not say that its store is damaged: ${said.slice(-300)}`,
    );
  }
  await refused.kill();
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  await saveCopy(copy, file);
  if (!existsSync(file)) throw new Error('the copy was not put in place');
  await stage.keepAggregator();
  for (const edgeId of stage.edgeIds) await stage.edgeOnline(edgeId);
}
