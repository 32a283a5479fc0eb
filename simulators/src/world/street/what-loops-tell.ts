/** What two loops cannot tell, however well they work: two courses of events that give the same edges. */
import type { SimulatedLaneSettings, VehicleReport } from '@gatehouse/edge-agent';
import type { GateDirection } from '@gatehouse/shared';

export interface Course {
  readonly report: Pick<VehicleReport, 'behaviour' | 'outcome' | 'lengthM' | 'startedAtMs'>;
  readonly trailer: boolean;
  /** It showed itself right behind a passage. */
  readonly rightBehind: boolean;
  /** It went back from an arm that was not down. */
  readonly turnedBackFromOpen: boolean;
  /** So many did so before it, and nobody went through since: one who was let in did not cover the safety loop. */
  readonly turnedBackBefore: number;
}

/** A drawbar is at most so long: a loop at least as long sees car and trailer as one piece. */
const longestDrawbarM = 1.7;
/** A safety loop that saw none of so many vehicles is like a dead one, and its lane goes by the arming loop. */
const backOutsLikeDeadLoop = 3;
/** Detectors and rounding. */
const marginM = 0.1;

/** Whether edges of the loops alone say what this vehicle did. */
export function isTellable(course: Course, direction: GateDirection, lane: SimulatedLaneSettings): boolean {
  const { report, rightBehind } = course;
  if (course.turnedBackFromOpen && course.turnedBackBefore >= backOutsLikeDeadLoop) return false;
  const { lengthM, outcome } = report;
  // A gap over the safety loop while the arming loop is covered is the sign of two vehicles.
  if (course.trailer && lane.safetyLoopM < longestDrawbarM) return false;
  // One that turned back from the safety loop alone looks like two: one through, one turned away.
  const turnedOnSafety = report.behaviour === 'reverse-half-way' && report.startedAtMs !== null;
  if (turnedOnSafety && lengthM < lane.loopGapM + lane.safetyLoopM / 2 + marginM) return false;
  // A short one close behind, seen on the safety loop alone, is like one from the far side when somebody comes after it.
  const unseenByArming = lengthM + lane.tailgateGapM < lane.loopGapM + lane.safetyLoopM + marginM;
  if (outcome === 'tailgated' && unseenByArming && (direction === 'both' || lane.closesUp)) return false;
  if (rightBehind && outcome === 'wrong-way-left') return false;
  return !(rightBehind && outcome === 'wrong-way' && lengthM < lane.loopGapM + marginM);
}
