/**
 * Opens and closes a barrier once, as the agent would, and says how each step went. Close is asked for only while nobody is seen under
 * the arm; whatever happens, outputs are left at their safe level. The barrier’s own wired safety is what protects people.
 */
import { messageOf } from '@gatehouse/shared/edge';
import type { Clock } from '@gatehouse/shared/edge';
import type { BarrierDriver, LaneInput } from '../app/ports.js';
import { findingsOf } from '../doctor/finding.js';
import type { Finding } from '../doctor/finding.js';
import { checkArm, checkLane, safetyInputs } from './before.js';
import { createLaneWatch } from './lane-watch.js';
import type { LaneWatch, Waited } from './lane-watch.js';

export interface BarrierTestOptions {
  readonly driver: BarrierDriver;
  readonly clock: Clock;
  readonly travelTimeMs: number;
  /** How long both limits may be active at once. */
  readonly contradictAfterMs: number;
  /** The controller closes by its own timer: it has no input that closes. */
  readonly closesByItself: boolean;
  /** The settings keep the barrier open while no agent runs. */
  readonly isHeldOpen: boolean;
  /** Asks for the end. */
  readonly end: AbortSignal;
  readonly tell: (finding: Finding) => void;
}

/** Between opening and closing: time to see it, and for the controller to be done. */
export const pauseMs = 2_000;
/** For somebody who walked under the arm meanwhile. */
export const clearBoundMs = 30_000;
/** The longest automatic closing times of usual controllers are about a minute. */
export const selfCloseBoundMs = 90_000;

/** Answers whether nothing failed. */
export async function testBarrier(options: BarrierTestOptions): Promise<boolean> {
  const { driver, clock, end } = options;
  const told: Finding[] = [];
  const isGood = (): boolean => told.every(({ verdict }) => verdict !== 'fail');
  const tell = (finding: Finding): void => {
    told.push(finding);
    options.tell(finding);
  };
  const watch = createLaneWatch(clock, end);
  try {
    watch.begin(await driver.start(watch.listener));
    tell(findingsOf('lines').pass('all lines can be had; outputs are at their safe level'));
    for (const finding of [...checkLane(watch), checkArm(watch, options.isHeldOpen)]) tell(finding);
    // Nothing is moved where something is wrong already.
    if (isGood() && !end.aborted) await moveArm({ ...options, tell, watch });
  } catch (error) {
    tell(findingsOf('lines').fail(messageOf(error)));
  } finally {
    await driver.stop();
  }
  if (end.aborted) {
    tell(findingsOf('end').fail('ended before it was done: outputs are at their safe level, see where the arm is'));
  }
  return isGood();
}

type Motion = BarrierTestOptions & { readonly watch: LaneWatch };

async function moveArm(motion: Motion): Promise<void> {
  if (!(await openArm(motion))) return;
  const { watch, closesByItself } = motion;
  if (!closesByItself) {
    const moved = await watch.until(() => wasOpenAndLeft(watch), pauseMs);
    if (isOver(motion, moved)) return;
    if (moved === 'met') {
      const { warn } = findingsOf('pause');
      motion.tell(
        warn('the arm left limit-open unasked', 'turn off the controller’s automatic closing: the agent closes'),
      );
    }
  }
  await closeArm(motion);
}

async function openArm(motion: Motion): Promise<boolean> {
  const { driver, clock, watch, travelTimeMs, contradictAfterMs, tell } = motion;
  const { pass, warn, fail } = findingsOf('open');
  const wasClosed = watch.isActive('limit-closed');
  const startMs = clock.monoMs();
  driver.requestOpen();
  const goal = watch.isWired('limit-open')
    ? () => watch.isActive('limit-open')
    : () => wasClosed && !watch.isActive('limit-closed');
  const waited = await watch.until(goal, travelTimeMs);
  if (isOver(motion, waited)) return false;
  const left = wasClosed && !watch.isActive('limit-closed');
  const leftAfter = left ? `limit-closed left after ${since(watch, 'limit-closed', startMs)}` : '';
  if (waited === 'late') {
    tell(noOpening(watch, wasClosed, leftAfter, travelTimeMs));
    return !watch.isWired('limit-open') && !wasClosed;
  }
  if (!watch.isWired('limit-open')) {
    tell(pass(`${leftAfter}; no limit-open is wired`));
    return !isOver(motion, await watch.until(() => false, travelTimeMs));
  }
  const reached = `limit-open after ${since(watch, 'limit-open', startMs)}`;
  const parted = await watch.until(() => !watch.isActive('limit-closed'), contradictAfterMs);
  if (isOver(motion, parted)) return false;
  if (parted === 'late') {
    const remedy = 'limit-closed sticks, is bridged or inverted: see its switch, its wire and its activeLow';
    tell(fail(`${reached}, and limit-closed is active still`, remedy));
    return false;
  }
  const said = leftAfter === '' ? reached : `${reached}, ${leftAfter}`;
  tell(wasClosed || !watch.isWired('limit-closed') ? pass(said) : warn(said, 'limit-closed told nothing: see above'));
  return true;
}

function noOpening(watch: LaneWatch, wasClosed: boolean, leftAfter: string, travelTimeMs: number): Finding {
  const { warn, fail } = findingsOf('open');
  const within = `within ${inMs(travelTimeMs)}`;
  if (wasClosed && watch.isActive('limit-closed')) {
    return fail(
      `the arm did not move ${within}: limit-closed is active still`,
      'does the relay of outputs.open draw? then see its contact, the wire to the controller’s open (start) terminal and its common, and whether the controller is on and takes commands; else see the BCM number, activeLow and the relay’s supply',
    );
  }
  if (!watch.isWired('limit-open')) return warn(`asked for; whether the arm opened ${within}, only you can see`);
  return fail(
    `no limit-open ${within}${leftAfter === '' ? '' : `; ${leftAfter}`}`,
    'is the arm up? then see the wire of limit-open, its line and its activeLow; else see what holds it, or set lane.travelTimeMs to what it takes',
  );
}

async function closeArm(motion: Motion): Promise<void> {
  const { driver, clock, watch, travelTimeMs, closesByItself, tell } = motion;
  const { pass, warn, fail } = findingsOf('close');
  if (!safetyInputs.some((input) => watch.isWired(input))) {
    tell(warn('not asked for: neither safety nor photocell is wired', 'close the arm by its own control'));
    return;
  }
  if (isOccupied(watch)) {
    tell(warn('waits: somebody is under the arm', 'clear the lane'));
    const cleared = await watch.until(() => !isOccupied(watch), clearBoundMs);
    if (isOver(motion, cleared)) return;
    if (cleared === 'late') {
      tell(fail(`not asked for: not clear within ${inMs(clearBoundMs)}; the arm stays open`, 'clear the lane'));
      return;
    }
  }
  const wasOpen = watch.isActive('limit-open');
  const startMs = clock.monoMs();
  driver.requestClose();
  const isDown = (): boolean => watch.isActive('limit-closed') && !watch.isActive('limit-open');
  const boundMs = closesByItself ? selfCloseBoundMs : travelTimeMs;
  const waited = await watch.until(() => isOccupied(watch) || isDown(), boundMs);
  if (isOver(motion, waited)) return;
  if (waited === 'met' && !isDown()) {
    driver.requestOpen();
    const who = safetyInputs.filter((input) => watch.isActive(input)).join(', ');
    tell(fail(`${who} became active while the arm came down: open was asked for again`, 'clear the lane, try again'));
    await watch.until(() => watch.isActive('limit-open'), travelTimeMs);
    return;
  }
  const leftAfter =
    wasOpen && !watch.isActive('limit-open') ? `limit-open left after ${since(watch, 'limit-open', startMs)}` : '';
  if (waited === 'late') tell(noClosing(motion, wasOpen, leftAfter, boundMs));
  else
    tell(pass([`limit-closed after ${since(watch, 'limit-closed', startMs)}`, leftAfter].filter(Boolean).join(', ')));
}

function noClosing({ watch, closesByItself }: Motion, wasOpen: boolean, leftAfter: string, boundMs: number): Finding {
  const { warn, fail } = findingsOf('close');
  const within = `within ${inMs(boundMs)}`;
  if (wasOpen && watch.isActive('limit-open')) {
    return fail(
      `the arm did not move ${within}: limit-open is active ${watch.isActive('limit-closed') ? 'together with limit-closed' : 'still'}`,
      closesByItself
        ? 'no close output is wired: set the controller’s automatic closing, or wire outputs.close to its close (stop) terminal'
        : 'see the relay of outputs.close, its wire to the controller’s close terminal, and whether the controller’s own safety holds the arm',
    );
  }
  if (!watch.isWired('limit-closed')) {
    return warn(`${leftAfter === '' ? 'asked for' : leftAfter}; no limit-closed is wired: see whether it closed`);
  }
  return fail(
    `no limit-closed ${within}${leftAfter === '' ? '' : `; ${leftAfter}`}`,
    'is the arm down? then see the wire of limit-closed, its line and its activeLow; else see what holds it',
  );
}

/** Tells of trouble; answers whether the test is over. */
function isOver({ watch, end, tell }: Motion, waited: Waited): boolean {
  if (waited === 'trouble') tell(findingsOf('lines').fail(watch.trouble ?? 'the driver has failed'));
  return waited === 'trouble' || end.aborted;
}

function isOccupied(watch: LaneWatch): boolean {
  return safetyInputs.some((input) => watch.isActive(input));
}

function wasOpenAndLeft(watch: LaneWatch): boolean {
  return watch.changedAtMs('limit-open') !== undefined && !watch.isActive('limit-open');
}

function since(watch: LaneWatch, input: LaneInput, startMs: number): string {
  return inMs(Math.max(0, (watch.changedAtMs(input) ?? startMs) - startMs));
}

function inMs(durationMs: number): string {
  return `${String(Math.round(durationMs))} ms`;
}
