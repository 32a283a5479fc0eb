/** What is promised, by short names that stay the same, and the list of those that were found broken. */
import type { Finding } from '../happenings.js';

export const promises = {
  'slot-for-two-vehicles': 'No slot is given to two vehicles.',
  'decision-names-anothers-slot': 'A decision names a slot that is reserved for its own arrival.',
  'local-admission-of-anothers-slot': 'An edge gives out by itself only slots that are held for it.',
  'holding-taken-without-return': 'A slot held for an edge is used again only when that edge has returned or used it.',
  'reservation-ended-without-cause':
    'A reservation ends by an event of its edge or by an audited act, never by a clock.',
  'session-closed-without-cause': 'A session ends by a passage, by a rule with a name, or by an audited act.',
  'session-closed-for-another': 'A passage that shows a plate ends no session of another plate.',
  'admitted-without-room': 'Nobody is admitted automatically, and nothing set aside, beyond the room there is.',
  'overbooked-in-truth': 'No more vehicles are let in automatically than there is room, but for what is explained.',
  'slot-given-while-recovering': 'A restored aggregator gives out no slot until every entry edge has reported.',
  'restore-not-noticed': 'That the store was restored is noticed with the first state that shows it.',
  'allowance-not-held': 'A set of slots names only slots that are held for that edge and epoch.',
  'allowance-as-of-ahead': 'A set of slots knows of no more events than are stored.',
  'books-inconsistent': 'Slots, sessions, reservations, holdings and arrivals agree after every commit.',
  'count-moved-without-passage': 'The count moves by passages, by counted losses, and by audited acts.',
  'passage-counted-twice': 'No passage is counted twice.',
  'passage-not-counted': 'Every passage of a healthy lane is counted once all is healed.',
  'count-wrong-at-the-end': 'The count is the truth, but for what is explained.',
  'event-applied-twice': 'No event is applied twice, whatever epoch it comes in.',
  'event-never-stored': 'Every committed event is stored in the end.',
  'event-not-carried-over': 'What was not acknowledged goes over into a new epoch.',
  'event-quarantined': 'What an edge of ours reports can be applied.',
  'loss-not-alarmed': 'What is lost is recorded and alarmed.',
  'stored-event-unknown': 'Nothing is stored that no edge has committed.',
  'stored-chain-broken': 'The stored events of an epoch continue one chain of hashes.',
  'outbox-chain-broken': 'Events of an outbox are numbered and chained without a break.',
  'epoch-reused': 'An epoch is used by one outbox only.',
  'audit-chain-broken': 'Each row of the audit log covers the row before it.',
  'notices-out-of-order': 'Notices are numbered upwards.',
  'cursor-without-events': 'A cursor moves together with the events it covers, and in order.',
  'events-without-cursor': 'Events are stored together with the cursor that covers them.',
  'ack-ahead-of-store': 'Nothing is acknowledged that is not stored.',
  'ack-hash-wrong': 'An acknowledgement carries the hash that is stored.',
  'released-before-stored': 'An outbox releases only what is stored.',
  'decision-not-stored': 'A decision is stored before it is sent.',
  'command-not-stored': 'A command is stored before it is sent.',
  'published-before-durable': 'An event is durable before it is announced.',
  'state-ahead-of-outbox': 'A state tells of no more than is durable.',
  'opened-without-cause': 'The arm is asked to open only for a live and timely cause.',
  'stale-decision-opened': 'A decision that comes too late opens nothing.',
  'denied-vehicle-let-in': 'Nothing opens for a vehicle that was turned away.',
  'passed-without-decision': 'A vehicle passes on the decision that was made for it.',
  'two-decisions-for-one-vehicle': 'Per arrival the first of online decision and local choice counts.',
  'stale-command-ran': 'A command runs only in time, and only for the instance it is for.',
  'command-ran-twice': 'A command runs at most once.',
  'vehicle-unanswered': 'Every waiting vehicle gets its answer once the faults are over.',
  'outbox-not-drained': 'Every event is acknowledged in the end.',
  'reservation-left': 'No reservation stays for ever.',
  'holding-left': 'No withdrawn holding stays for ever.',
  'recovery-left': 'A recovery ends.',
  'bound-exceeded': 'Memory and queues stay within their bounds.',
  'auditor-failed': 'The auditor understands all that happens.',
} as const;
export type PromiseName = keyof typeof promises;

/** Findings of one promise that are kept; more are only counted. */
const maxFindingsOfOnePromise = 5;

export interface FindingList {
  add(promise: PromiseName, atMs: number, detail: string): void;
  readonly findings: readonly Finding[];
  /** All, those that are not kept included. */
  readonly count: number;
}

export function createFindingList(): FindingList {
  const findings: Finding[] = [];
  const counts = new Map<PromiseName, number>();
  let count = 0;
  return {
    add(promise, atMs, detail) {
      count += 1;
      const ofThis = (counts.get(promise) ?? 0) + 1;
      counts.set(promise, ofThis);
      if (ofThis <= maxFindingsOfOnePromise) findings.push({ promise, atMs, detail });
    },
    findings,
    get count() {
      return count;
    },
  };
}
