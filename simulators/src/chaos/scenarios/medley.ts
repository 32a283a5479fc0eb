/** A little of everything on one stage, one act after the other, with one reconciliation: minutes become one. */
import { play } from '../scenario.js';
import type { Scenario } from '../scenario.js';
import { smallDiskProblem } from '../small-disk.js';
import { createStage } from '../stage.js';
import { outboxDamaged, storeDamaged } from './damage.js';
import { aggregatorDiskFull, edgeDiskFull, smallDisks } from './disks.js';
import { herdReturns, herdSettings } from './herd.js';
import { kills } from './kills.js';
import { brokenLinks } from './link.js';
import { edgeCloned, edgeRestored } from './restore.js';

/** The first edge has the small disk; what is replaced and damaged is the last one's. */
export const medleyScenario: Scenario = (context) => {
  const canMount = smallDiskProblem() === undefined;
  const small = smallDisks({ edge: canMount, aggregator: canMount });
  const full = canMount ? [edgeDiskFull(() => small.disks.edge), aggregatorDiskFull(() => small.disks.aggregator)] : [];
  return play(
    canMount ? 'medley' : 'medley without full disks',
    context,
    () =>
      createStage({
        ...context,
        name: 'medley',
        edges: 2,
        slots: 60,
        aggregatorSettings: herdSettings,
        prepare: small.prepare,
      }),
    [kills, brokenLinks, ...full, outboxDamaged, edgeRestored, storeDamaged, herdReturns, edgeCloned],
  );
};
