/** A disk fills, in the cabinet of an edge or under the aggregator, and gets space again. */
import { until } from '../../processes/index.js';
import type { System } from '../../processes/index.js';
import { readLostExits } from '../databases.js';
import { notRun, play } from '../scenario.js';
import type { Act, Scenario } from '../scenario.js';
import { mountSmallDisk, smallDiskProblem } from '../small-disk.js';
import type { SmallDisk } from '../small-disk.js';
import { createStage, healDeadlineMs } from '../stage.js';
import type { Stage } from '../stage.js';
import { passagesAt, vehicleOf } from './common.js';

const mebibyte = 1024 * 1024;
/** A write and a flush of one small file, on a busy machine. */
const countedWithinMs = 10_000;

/** Which file system gets small: large enough for what a database and its log take by themselves. */
export interface SmallDisks {
  readonly edge?: boolean;
  readonly aggregator?: boolean;
}

/** Mounts small file systems for the first edge and for the aggregator; answers them as they come to be. */
export function smallDisks(wanted: SmallDisks) {
  const disks: { edge?: SmallDisk; aggregator?: SmallDisk } = {};
  return {
    disks,
    prepare: (system: System, [edgeId = '']: readonly string[]): (() => void) => {
      if (wanted.edge === true) disks.edge = mountSmallDisk(system.edgeFile(edgeId, 'data'), 8 * mebibyte);
      if (wanted.aggregator === true) disks.aggregator = mountSmallDisk(system.aggregatorDirectory, 24 * mebibyte);
      return () => {
        disks.edge?.unmount();
        disks.aggregator?.unmount();
      };
    },
  };
}

export const edgeDiskScenario: Scenario = async (context) => {
  const problem = smallDiskProblem();
  if (problem !== undefined) return notRun('edge disk full', context, problem);
  const small = smallDisks({ edge: true });
  const setStage = () => createStage({ ...context, name: 'edge-disk', edges: 2, slots: 40, prepare: small.prepare });
  return play('edge disk full', context, setStage, [edgeDiskFull(() => small.disks.edge)]);
};

export const edgeDiskFull =
  (diskOf: () => SmallDisk | undefined): Act =>
  async (stage, context, findings) => {
    const [edgeId = ''] = stage.edgeIds;
    const { traffic, supervisor, system } = stage;
    const disk = diskOf();
    for (let round = 0; round < (context.isShort ? 1 : 4); round += 1) {
      traffic.target = 14;
      await until('vehicles are inside', () => traffic.inside.length > 5, healDeadlineMs);
      disk?.fill();
      findings.fault('disk filled');
      await until('the edge says that its disk is full', () => hasFault(stage, edgeId, 'outbox-full'), healDeadlineMs);
      const before = passedAt(stage, edgeId);
      const data = system.edgeFile(edgeId, 'data');
      const lostBefore = readLostExits(data);
      const seenBefore = new Set(system.happenings(edgeId).map(vehicleOf));
      traffic.target = 4;
      await until('exits open on the full disk', () => passedAt(stage, edgeId).exit > before.exit, healDeadlineMs);
      // One that was admitted before may still have been on its way.
      findings.expect(passedAt(stage, edgeId).entry <= before.entry + 1, 'an entry opened on the full disk');
      // Its power is cut as well; it comes up again with the disk still full.
      await traffic.pause(edgeId);
      // What happens in the lane at that very moment can be written down nowhere; it is a limit that is told, not looked for here.
      await until('its arms are closed', () => areArmsClosed(stage, edgeId), healDeadlineMs);
      const left = passagesAt(stage, edgeId, '-out').filter((line) => !seenBefore.has(vehicleOf(line))).length;
      // Fewer are counted there if some could be written after all, in the room that acknowledged events left.
      const areCounted = () => readLostExits(data) >= lostBefore + left;
      await until('whoever left is counted', areCounted, countedWithinMs).catch(() => undefined);
      supervisor.kill(edgeId);
      await until('it works again', () => stage.isControlled(edgeId), healDeadlineMs);
      const restarted = passedAt(stage, edgeId);
      traffic.resume(edgeId);
      traffic.target = 1;
      await until(
        'exits open after a restart, too',
        () => passedAt(stage, edgeId).exit > restarted.exit,
        healDeadlineMs,
      );
      disk?.free();
      traffic.target = 14;
      await until('the fault is gone', async () => !(await hasFault(stage, edgeId, 'outbox-full')), healDeadlineMs);
      const healed = passedAt(stage, edgeId);
      await until('entries open again', () => passedAt(stage, edgeId).entry > healed.entry, healDeadlineMs);
    }
    return {};
  };

export const aggregatorDiskScenario: Scenario = async (context) => {
  const problem = smallDiskProblem();
  if (problem !== undefined) return notRun('aggregator disk full', context, problem);
  const small = smallDisks({ aggregator: true });
  const setStage = () => createStage({ ...context, name: 'centre-disk', edges: 2, slots: 40, prepare: small.prepare });
  return play('aggregator disk full', context, setStage, [aggregatorDiskFull(() => small.disks.aggregator)]);
};

export const aggregatorDiskFull =
  (diskOf: () => SmallDisk | undefined): Act =>
  async (stage, context, findings) => {
    const { traffic, edgeIds, system } = stage;
    const [edgeId = ''] = edgeIds;
    const disk = diskOf();
    for (let round = 0; round < (context.isShort ? 1 : 4); round += 1) {
      traffic.target = 14;
      await until('vehicles are inside', () => traffic.inside.length > 5, healDeadlineMs);
      disk?.fill();
      findings.fault('disk filled');
      traffic.target = 3;
      await until(
        'it says that it cannot store',
        async () => !(await fetch(`${system.url}/readyz`)).ok,
        healDeadlineMs,
      );
      const before = passedAt(stage, edgeId);
      await until('exits open', () => passedAt(stage, edgeId).exit > before.exit, healDeadlineMs);
      disk?.free();
      await stage.ready();
      traffic.target = 14;
      const healed = traffic.passed.entry;
      await until('entries open again', () => traffic.passed.entry > healed, healDeadlineMs);
    }
    return {};
  };

function passedAt(stage: Stage, edgeId: string): { entry: number; exit: number } {
  return { exit: passagesAt(stage, edgeId, '-out').length, entry: passagesAt(stage, edgeId, '-in').length };
}

function areArmsClosed({ system }: Stage, edgeId: string): boolean {
  const arms = new Map<string, unknown>();
  for (const { type, gateId, step } of system.happenings(edgeId)) if (type === 'arm') arms.set(String(gateId), step);
  return [...arms.values()].every((step) => step === 'closed');
}

async function hasFault({ system }: Stage, edgeId: string, fault: string): Promise<boolean> {
  const { faults } = await system.api<{ faults: string[] }>('GET', `/api/v1/edges/${edgeId}`);
  return faults.includes(fault);
}
