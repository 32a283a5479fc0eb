/** What must be so before an arm is moved. */
import type { LaneInput } from '../app/ports.js';
import { findingsOf } from '../doctor/finding.js';
import type { Finding } from '../doctor/finding.js';
import type { LaneWatch } from './lane-watch.js';

/** Tell of somebody under the arm. */
export const safetyInputs = ['safety', 'photocell'] as const satisfies readonly LaneInput[];

const reasonsNotToMove: Readonly<Partial<Record<LaneInput, string>>> = {
  safety: 'a vehicle stands under the arm',
  photocell: 'something is in the beam under the arm',
  arming: 'a vehicle stands before the arm, and would drive in',
  stop: 'the emergency stop is pressed',
  fire: 'the fire input holds the barrier open',
};

export function checkLane(watch: LaneWatch): Finding[] {
  const { pass, warn, fail } = findingsOf('lane');
  const watched = (Object.keys(reasonsNotToMove) as LaneInput[]).filter((input) => watch.isWired(input));
  const occupied = watched.filter((input) => watch.isActive(input));
  if (occupied.length > 0) {
    return occupied.map((input) =>
      fail(
        `${input} is active: ${reasonsNotToMove[input] ?? ''}`,
        `clear it; if nothing is there, see the detector, its wire and inputs.${input}.activeLow with "edge watch"`,
      ),
    );
  }
  const clear = pass(`${watched.join(', ')} clear`);
  if (safetyInputs.some((input) => watch.isWired(input))) return [clear];
  const says = 'neither safety nor photocell is wired: nothing tells whether somebody is under the arm';
  return [clear, warn(says, 'close will not be asked for; wire one of them')];
}

/** @param isHeldOpen the settings keep the barrier open while no agent runs */
export function checkArm(watch: LaneWatch, isHeldOpen: boolean): Finding {
  const { pass, warn, fail } = findingsOf('arm');
  const [isOpen, isClosed] = [watch.isActive('limit-open'), watch.isActive('limit-closed')];
  if (isOpen && isClosed) {
    return fail(
      'limit-open and limit-closed are active at once',
      'one of them is inverted (activeLow), bridged, or on the other’s line: move the arm by hand and see "edge watch"',
    );
  }
  if (isOpen) {
    return fail(
      'limit-open is active already: an opening could not be seen',
      isHeldOpen
        ? 'safeHoldOpen keeps the barrier open while no agent runs: set it to false for this test'
        : 'close the arm by its own control; if it is closed, limit-open is inverted or on a wrong line',
    );
  }
  if (watch.isWired('limit-closed') && !isClosed) {
    const remedy = 'if it is closed, see the wire of limit-closed and its activeLow with "edge watch"';
    return warn('limit-closed is not active: the arm is somewhere between, or its limit does not tell', remedy);
  }
  if (isClosed) return pass('closed, as limit-closed says');
  return watch.isWired('limit-open')
    ? pass('not open, as limit-open says; no limit-closed is wired')
    : warn('no limit is wired: whether the arm moves, only you can see', 'wire limit-open at least');
}
