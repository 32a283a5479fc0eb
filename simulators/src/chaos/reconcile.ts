/**
 * Compares three records that share no code: what physically happened, what the edges committed, what the aggregator has stored.
 * Every vehicle and every event must be accounted for; what cannot be counted must be under review or reported as lost.
 */
import type { Books, Outbox, StoredEvent } from './databases.js';
import { mostInside } from './witness.js';
import type { Direction, Witnessed } from './witness.js';

export interface Evidence {
  readonly witnessed: Witnessed;
  readonly books: Books;
  /** Of each edge, and of whatever else ran under its identity; read after everything was acknowledged and the edge stopped. */
  readonly outboxes: readonly { readonly edgeId: string; readonly outbox: Outbox }[];
  readonly slots: number;
  /** Further processes that ran under the identity of one of the edges. */
  readonly twins?: readonly string[];
  /** Outboxes as they were before something was done to them: what had been acknowledged is stored all the same. */
  readonly copies?: readonly { readonly edgeId: string; readonly outbox: Outbox }[];
  /** Events that were destroyed with an outbox on purpose, as they stood in a copy taken before. */
  readonly destroyed?: readonly StoredEventRef[];
  /**
   * Two agents ran under one identity: a passage is counted all the same, but may have lost the arrival it belongs to, and with it
   * the plate. That is alarmed.
   */
  readonly identityMayBeLost?: boolean;
  /** Passages that an operator entered by settling reviews. */
  readonly settledPassed?: Readonly<Record<Direction, number>>;
}

export interface StoredEventRef {
  readonly edgeId: string;
  readonly epoch: string;
  readonly seq: number;
  readonly hash: string;
  readonly json: string;
}

export interface Tally {
  readonly physical: number;
  /** Passages stored one by one. */
  readonly counted: number;
  /** Known to be unknown: the agent was killed between the passage and its commit, and says so. */
  readonly underReview: number;
  /** Reported as lost, by number. */
  readonly reportedLost: number;
  /** Destroyed with an outbox, which is alarmed. */
  readonly destroyed: number;
  /** Counted without the vehicle's identity. */
  readonly anonymous: number;
}

export interface Reconciled {
  readonly entries: Tally;
  readonly exits: Tally;
  readonly events: { readonly committed: number; readonly stored: number };
  readonly vanished: number;
  readonly mostInside: number;
  /** Reviews that were opened, by kind; each is an alarm, too. */
  readonly reviews: Readonly<Record<string, number>>;
  /** What does not agree. */
  readonly differences: readonly string[];
}

/** Differences of one kind that are listed one by one. */
const maxListed = 20;
const noPlate = 'a vehicle without a plate';

export function reconcile(evidence: Evidence): Reconciled {
  const differences = [
    ...eventDifferences(evidence),
    ...gapDifferences(evidence.books),
    ...slotDifferences(evidence.books),
    ...ledgerDifferences(evidence),
  ];
  const passages = comparePassages(evidence);
  differences.push(...passages.differences);
  const most = mostInside(evidence.witnessed);
  if (most > evidence.slots)
    differences.push(`${String(most)} vehicles were inside at once, in ${String(evidence.slots)} slots`);
  if (evidence.books.quarantined > 0)
    differences.push(`${String(evidence.books.quarantined)} events are in quarantine`);
  return {
    entries: passages.tally('entry'),
    exits: passages.tally('exit'),
    events: {
      committed: evidence.outboxes.reduce((sum, { outbox }) => sum + outbox.next - 1, 0),
      stored: evidence.books.events.length,
    },
    vanished: evidence.witnessed.vanished.length,
    mostInside: most,
    reviews: Object.fromEntries(countBy(evidence.books.reviews.map(({ kind }) => kind))),
    differences,
  };
}

// ------------------------------------------------------------ events

/** Each committed event is stored once, under the name it has or the one it had first, and nothing else is stored. */
function eventDifferences({ books, outboxes, copies = [] }: Evidence): string[] {
  const found: string[] = [];
  const stored = new Map(books.events.map((event) => [nameOf(event), event]));
  const origins = new Map<string, number>();
  for (const { edgeId, origin } of books.events) {
    if (origin !== null) origins.set(`${edgeId}:${origin}`, (origins.get(`${edgeId}:${origin}`) ?? 0) + 1);
  }
  for (const [origin, times] of origins) {
    if (times > 1) found.push(`event ${origin} was stored ${String(times)} times under new epochs`);
    const [edgeId = '', epoch = '', seq = '', hash] = origin.split(':');
    const first = stored.get(nameOf({ edgeId, epoch, seq: Number(seq) }));
    if (first?.hash === hash && first !== undefined)
      found.push(`event ${origin} is stored twice: also under a new epoch`);
  }
  const acknowledged = copies.map(({ edgeId, outbox }) => ({
    edgeId,
    outbox: { ...outbox, next: Infinity, events: outbox.events.filter(({ seq }) => seq <= outbox.acked) },
  }));
  for (const { edgeId, outbox } of [...outboxes, ...acknowledged]) {
    for (const { seq, hash, json } of outbox.events) {
      const name = nameOf({ edgeId, epoch: outbox.epoch, seq });
      const event = stored.get(name);
      if (event === undefined && !isKnownByOrigin(edgeId, json, stored, origins))
        found.push(`event ${name} was committed and is not stored`);
      if (event !== undefined && event.hash !== hash) found.push(`event ${name} is stored with another hash`);
    }
    const beyond = books.events.filter(
      (event) => event.edgeId === edgeId && event.epoch === outbox.epoch && event.seq >= outbox.next,
    );
    for (const event of beyond) found.push(`event ${nameOf(event)} is stored and its edge has never committed it`);
  }
  return bounded(found);
}

/** An event that was sent again under a new epoch is not stored a second time. */
function isKnownByOrigin(
  edgeId: string,
  json: string,
  stored: ReadonlyMap<string, StoredEvent>,
  origins: ReadonlyMap<string, number>,
): boolean {
  const { origin } = JSON.parse(json) as { origin?: { epoch: string; seq: number; hash: string } };
  if (origin === undefined) return false;
  const { epoch, seq, hash } = origin;
  return (
    stored.get(nameOf({ edgeId, epoch, seq }))?.hash === hash ||
    origins.has(`${edgeId}:${epoch}:${String(seq)}:${hash}`)
  );
}

function nameOf({
  edgeId,
  epoch,
  seq,
}: {
  readonly edgeId: string;
  readonly epoch: string;
  readonly seq: number;
}): string {
  return `${edgeId}:${epoch}:${String(seq)}`;
}

/** A hole in a history that is stored has been recorded as a gap, unless its events are known by other names. */
function gapDifferences({ events, reviews }: Books): string[] {
  const found: string[] = [];
  const histories = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const key = `${event.edgeId}:${event.epoch}`;
    histories.set(key, [...(histories.get(key) ?? []), event]);
  }
  for (const [key, history] of histories) {
    const [edgeId = ''] = key.split(':');
    const resent = history.some(({ origin }) => origin !== null);
    let expected = 1;
    for (const { seq } of history) {
      const detail = `events ${String(expected)} to ${String(seq - 1)} will never come`;
      const recorded = reviews.some(
        (review) => review.edgeId === edgeId && review.kind === 'events-gap' && review.detail === detail,
      );
      // Resent events that were known are not stored again: the beginning of such an epoch looks like a hole.
      const known = resent || reviews.some((review) => review.edgeId === edgeId && review.kind === 'epoch-replaced');
      if (seq !== expected && !recorded && !known)
        found.push(`${key}: events ${String(expected)} to ${String(seq - 1)} are missing and no gap is recorded`);
      expected = seq + 1;
    }
  }
  return bounded(found);
}

// ------------------------------------------------------------ slots and ledger

function slotDifferences({ sessions, slots }: Books): string[] {
  const found: string[] = [];
  const inside = sessions.filter(({ state }) => state === 'open');
  const users = new Map<string, string>();
  for (const { sessionId, slotId } of inside) {
    if (slotId === null) continue;
    const other = users.get(slotId);
    if (other !== undefined) found.push(`slot ${slotId} is used by sessions ${other} and ${sessionId}`);
    users.set(slotId, sessionId);
  }
  for (const { slotId, state, sessionId, arrivalKey, heldBy } of slots) {
    const user = users.get(slotId);
    if (user !== undefined && sessionId !== user)
      found.push(`slot ${slotId} is ${state} while session ${user} is open in it`);
    if (state === 'free' && (sessionId !== null || arrivalKey !== null || heldBy !== null))
      found.push(`slot ${slotId} is free and has an owner`);
    if (state === 'reserved' && arrivalKey === null) found.push(`slot ${slotId} is reserved for nobody`);
    if (state === 'held' && heldBy === null) found.push(`slot ${slotId} is held by nobody`);
    if (state === 'occupied' && sessionId === null) found.push(`slot ${slotId} is occupied by no session`);
  }
  return bounded(found);
}

/** A settled review moves the count only if nothing else has since; hence a range where there were some. */
function ledgerDifferences({ books, settledPassed }: Evidence): string[] {
  const found: string[] = [];
  for (const direction of ['entry', 'exit'] as const) {
    const lost = lostPassages(books, direction);
    const passed = passedEvents(books).filter((event) => event.direction === direction).length;
    const reported = passed + lost + (direction === 'entry' ? seenToLeave(books) : 0);
    const settled = settledPassed?.[direction] ?? 0;
    const total = direction === 'entry' ? books.ledger.entriesTotal : books.ledger.exitsTotal;
    if (total < reported || total > reported + settled) {
      found.push(
        `the ledger has ${String(total)} passages of kind ${direction}; ${String(reported)} are stored, reported lost or seen to leave, ${String(settled)} were settled`,
      );
    }
  }
  return found;
}

/** Vehicles whose entry was unresolved and that left later: so they came in, and are counted then. */
function seenToLeave({ events, reviews }: Books): number {
  const entries = new Set(
    events
      .filter(({ kind }) => kind === 'vehicle-arrived')
      .filter(({ body }) => (JSON.parse(body) as { direction: Direction }).direction === 'entry')
      .map(({ gateId }) => gateId),
  );
  return reviews.filter(
    ({ kind, resolution, gateId }) =>
      kind === 'arrival-unresolved' && resolution === 'it was seen to leave' && entries.has(gateId),
  ).length;
}

interface PassedEvent {
  readonly edgeId: string;
  readonly gateId: string;
  readonly direction: Direction;
  readonly plate: string;
}

function passedEvents({ events, plateOfArrival }: Books): PassedEvent[] {
  return events
    .filter(({ kind }) => kind === 'vehicle-passed')
    .map(({ edgeId, epoch, gateId, body }) => {
      const { arrival, direction } = JSON.parse(body) as { arrival: number | null; direction: Direction };
      const key = arrival === null ? '' : nameOf({ edgeId, epoch, seq: arrival });
      return { edgeId, gateId: gateId ?? '', direction, plate: plateOfArrival.get(key) ?? '' };
    });
}

function lostPassages({ events }: Books, direction: Direction): number {
  return events
    .filter(({ kind }) => kind === 'events-lost')
    .map(({ body }) => JSON.parse(body) as { entries: number; exits: number })
    .reduce((sum, { entries, exits }) => sum + (direction === 'entry' ? entries : exits), 0);
}

// ------------------------------------------------------------ passages

interface ComparedPassages {
  readonly differences: readonly string[];
  tally(direction: Direction): Tally;
}

/** Vehicle by vehicle: each plate goes in once and out once. */
function comparePassages(evidence: Evidence): ComparedPassages {
  const { witnessed, books } = evidence;
  const found: string[] = [];
  const counted = countBy(passedEvents(books).map(tripOf));
  const unresolved = countBy(unresolvedTrips(books));
  const destroyed = countBy(destroyedTrips(evidence));
  const cutOff = new Set(witnessed.vanished.filter(({ wasPassing }) => wasPassing).map(tripOf));
  const physical = new Set(witnessed.passages.map(tripOf));
  const missing: Record<Direction, number> = { entry: 0, exit: 0 };
  const sums = { entry: { underReview: 0, destroyed: 0 }, exit: { underReview: 0, destroyed: 0 } };
  const anonymous = {
    entry: evidence.identityMayBeLost === true ? (counted.get(tripOf({ plate: '', direction: 'entry' })) ?? 0) : 0,
    exit: evidence.identityMayBeLost === true ? (counted.get(tripOf({ plate: '', direction: 'exit' })) ?? 0) : 0,
  };

  for (const { plate, gateId, direction } of witnessed.passages) {
    const trip = tripOf({ plate, direction });
    const times = counted.get(trip) ?? 0;
    if (times > 1) found.push(`${direction} of ${plate} at ${gateId} was counted ${String(times)} times`);
    if (times > 0) continue;
    if (unresolved.has(trip)) sums[direction].underReview += 1;
    else if (destroyed.has(trip)) sums[direction].destroyed += 1;
    else missing[direction] += 1;
  }
  for (const [trip, times] of counted) {
    if (physical.has(trip)) continue;
    // It was past the last loop when the lane vanished.
    if (cutOff.has(trip) && times === 1) continue;
    if (evidence.identityMayBeLost === true && trip.endsWith(noPlate)) continue;
    found.push(`${trip} was counted ${String(times)} times and never happened`);
  }
  const lost = { entry: lostPassages(books, 'entry'), exit: lostPassages(books, 'exit') };
  for (const direction of ['entry', 'exit'] as const) {
    const explained = lost[direction] + anonymous[direction];
    // One that was counted without its identity may be among those whose arrival is under review.
    const more = evidence.identityMayBeLost === true ? sums[direction].underReview : 0;
    if (missing[direction] <= explained && explained <= missing[direction] + more) continue;
    const names = witnessed.passages
      .filter(
        (one) =>
          one.direction === direction &&
          !counted.has(tripOf(one)) &&
          !unresolved.has(tripOf(one)) &&
          !destroyed.has(tripOf(one)),
      )
      .map(({ plate, gateId }) => `${plate} at ${gateId}`);
    found.push(
      `${String(missing[direction])} passages of kind ${direction} are not counted and ${String(lost[direction])} are reported lost: ${names.slice(0, maxListed).join(', ')}`,
    );
  }
  return {
    differences: bounded(found),
    tally: (direction) => ({
      physical: witnessed.passages.filter((one) => one.direction === direction).length,
      counted: passedEvents(books).filter((one) => one.direction === direction).length,
      ...sums[direction],
      reportedLost: lost[direction],
      anonymous: anonymous[direction],
    }),
  };
}

function tripOf({ plate, direction }: { readonly plate: string; readonly direction: Direction }): string {
  return `${direction} of ${plate === '' ? noPlate : plate}`;
}

function unresolvedTrips({ events, plateOfArrival, unknownArrivals = [] }: Books): string[] {
  const directions = new Map(
    events
      .filter(({ kind }) => kind === 'vehicle-arrived')
      .map((event) => [nameOf(event), (JSON.parse(event.body) as { direction: Direction }).direction]),
  );
  const unresolved = events
    .filter(({ kind }) => kind === 'arrival-unresolved')
    .map(({ edgeId, epoch, body }) =>
      nameOf({ edgeId, epoch, seq: (JSON.parse(body) as { arrival: number }).arrival }),
    );
  return [...unresolved, ...unknownArrivals].map((key) =>
    tripOf({ plate: plateOfArrival.get(key) ?? '', direction: directions.get(key) ?? 'entry' }),
  );
}

/** Trips whose passage stood in an outbox that was destroyed, and which were not stored before. */
function destroyedTrips({ destroyed = [], books }: Evidence): string[] {
  const stored = new Set(books.events.map(nameOf));
  const plates = new Map<string, string>();
  for (const event of destroyed) {
    const { kind, credential } = JSON.parse(event.json) as { kind: string; credential?: { value: string } | null };
    if (kind === 'vehicle-arrived' && credential != null) plates.set(nameOf(event), credential.value);
  }
  return destroyed
    .filter((event) => !stored.has(nameOf(event)))
    .flatMap((event) => {
      const { kind, arrival, direction } = JSON.parse(event.json) as {
        kind: string;
        arrival?: number;
        direction?: Direction;
      };
      if (kind !== 'vehicle-passed' || arrival === undefined || direction === undefined) return [];
      const key = nameOf({ ...event, seq: arrival });
      return [tripOf({ plate: plates.get(key) ?? books.plateOfArrival.get(key) ?? '', direction })];
    });
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function bounded(found: readonly string[]): string[] {
  if (found.length <= maxListed) return [...found];
  return [...found.slice(0, maxListed), `and ${String(found.length - maxListed)} more of that kind`];
}
