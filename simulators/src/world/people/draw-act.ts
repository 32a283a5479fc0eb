/** What somebody at the desk takes into their head to do, by what the screen shows. Not all of it is wise, and much is late. */
import type { Random } from '@gatehouse/shared';
import { pick, wholeBelow } from '../../random.js';
import type { DeskView, OperatorAct } from '../operator-desk.js';
import type { PeoplePlan, SitePlan } from '../scenario.js';
import { regularPlate } from '../street/visitors.js';

interface Looking {
  readonly random: Random;
  readonly site: SitePlan;
  readonly view: DeskView;
  readonly plan: Pick<PeoplePlan, 'reckless'>;
}

/** undefined: there is nothing of the kind to do now. */
export function drawAct(looking: Looking): OperatorAct | undefined {
  const draw = pick(looking.random, [
    [drawCommand, 24],
    [drawAdmission, 14],
    [drawAssignment, 8],
    [drawRelease, 9],
    [drawService, 8],
    [drawCount, 4],
    [drawReview, 14],
    [drawMove, 7],
    [drawClosing, 5],
    [drawMerger, 3],
    [drawBlock, 4],
    [drawReckless, 4],
  ] as const);
  return draw(looking);
}

function drawCommand({ random, site, view }: Looking): OperatorAct | undefined {
  const gate = oneOf(random, view.layout.gates);
  if (gate === undefined) return undefined;
  const command = pick(random, [
    ['open', 5],
    ['close', 3],
    ['hold-open', 1],
    ['lock', 1],
    ['automatic', 3],
    ['restart', 1],
  ] as const);
  return { kind: 'command', siteId: site.siteId, gateId: gate.gateId, command };
}

function drawAdmission({ random, site, view }: Looking): OperatorAct | undefined {
  const arrival = oneOf(random, view.arrivals);
  if (arrival === undefined) return undefined;
  const named = random.next() < 0.7;
  return {
    kind: 'admit',
    siteId: site.siteId,
    gateId: arrival.gateId,
    arrivalKey: named ? arrival.arrivalKey : null,
    slotId: random.next() < 0.7 ? null : (oneOf(random, view.slots)?.slotId ?? null),
  };
}

function drawAssignment({ random, site, view }: Looking): OperatorAct {
  return {
    kind: 'assign-slot',
    siteId: site.siteId,
    slotId: random.next() < 0.5 ? null : (oneOf(random, view.slots)?.slotId ?? null),
    plate: random.next() < 0.5 ? null : regularPlate(site, wholeBelow(random, 1_000_000)),
  };
}

function drawRelease({ random, site, view, plan }: Looking): OperatorAct | undefined {
  const slot = oneOf(random, view.slots);
  if (slot === undefined) return undefined;
  const force = slot.frozen || (plan.reckless && random.next() < 0.5);
  return { kind: 'release-slot', siteId: site.siteId, slotId: slot.slotId, force };
}

function drawService({ random, site, view }: Looking): OperatorAct | undefined {
  const closed = view.slots.filter(({ outOfService }) => outOfService);
  // Nobody closes a whole car park slot by slot.
  const reopens = closed.length * 4 >= view.slots.length || random.next() < 0.5;
  const slot = oneOf(random, reopens ? closed : view.slots);
  if (slot === undefined) return undefined;
  return { kind: 'out-of-service', siteId: site.siteId, slotId: slot.slotId, outOfService: !reopens };
}

function drawCount({ random, site, view }: Looking): OperatorAct {
  return {
    kind: 'correct-count',
    siteId: site.siteId,
    count: Math.max(0, view.vehiclesInside - 2 + wholeBelow(random, 5)),
  };
}

function drawReview({ random, site, view }: Looking): OperatorAct | undefined {
  const review = oneOf(random, view.reviews);
  if (review === undefined) return undefined;
  const isAboutExit = review.kind === 'unmatched-exit' || review.kind === 'ambiguous-exit';
  const left = isAboutExit && random.next() < 0.5 ? oneOf(random, review.candidates) : undefined;
  return { kind: 'resolve-review', siteId: site.siteId, reviewId: review.reviewId, sessionId: left ?? null };
}

function drawMove({ random, site, view }: Looking): OperatorAct | undefined {
  const session = oneOf(random, view.sessions);
  const slot = oneOf(random, view.slots);
  if (session === undefined || slot === undefined) return undefined;
  return { kind: 'move-session', siteId: site.siteId, sessionId: session.sessionId, slotId: slot.slotId };
}

function drawClosing({ random, site, view }: Looking): OperatorAct | undefined {
  const session = oneOf(random, view.sessions);
  return session && { kind: 'close-session', siteId: site.siteId, sessionId: session.sessionId };
}

function drawMerger({ random, site, view }: Looking): OperatorAct | undefined {
  const [session, duplicate] = [oneOf(random, view.sessions), oneOf(random, view.sessions)];
  if (session === undefined || duplicate === undefined) return undefined;
  return {
    kind: 'merge-sessions',
    siteId: site.siteId,
    sessionId: session.sessionId,
    duplicateSessionId: duplicate.sessionId,
  };
}

function drawBlock({ random, site }: Looking): OperatorAct {
  const plate = regularPlate(site, wholeBelow(random, 1_000_000));
  return { kind: 'block-vehicle', siteId: site.siteId, plate, blocked: random.next() < 0.6 };
}

/** What gives a promise away, and is done in few worlds only. */
function drawReckless({ random, site, view, plan }: Looking): OperatorAct | undefined {
  if (!plan.reckless) return undefined;
  if (view.recovering && random.next() < 0.3) return { kind: 'override-recovery', siteId: site.siteId };
  const edge = oneOf(random, view.edges);
  return edge && { kind: 'release-holdings', siteId: site.siteId, edgeId: edge.edgeId };
}

export function oneOf<T>(random: Random, choices: readonly T[]): T | undefined {
  return choices[wholeBelow(random, choices.length)];
}
