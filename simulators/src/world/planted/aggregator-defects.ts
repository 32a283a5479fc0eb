import type { Defect } from './defect.js';

const domain = 'aggregator/src/domain';
const app = 'aggregator/src/app';

export const aggregatorDefects: readonly Defect[] = [
  {
    name: 'ack-before-commit',
    breaks: 'A batch is acknowledged while its commit is still under way.',
    edits: [
      {
        file: `${app}/ingest/batch-work.ts`,
        find: '  turn.afterCommit(() => {\n    const cursor = turn.directory.cursor(received.edgeId);',
        replace:
          '  const now = (action: () => void): void => { action(); };\n  now(() => {\n    const cursor = turn.directory.cursor(received.edgeId);',
      },
    ],
    promises: ['ack-ahead-of-store'],
    focus: { withFaults: [] },
    maxSeeds: 3,
  },
  {
    name: 'decision-before-commit',
    breaks: 'Decisions are sent while their commit is still under way.',
    edits: [
      {
        file: `${app}/turn/turn-runner.ts`,
        find: '    const failure = await commit(ran.outcome.changes, startedMs);',
        replace:
          '    listener.onDecisions(ran.outcome);\n    const failure = await commit(ran.outcome.changes, startedMs);',
      },
    ],
    promises: ['decision-not-stored'],
    focus: { withFaults: [] },
    maxSeeds: 3,
  },
  {
    name: 'no-duplicate-check',
    breaks: 'A batch that comes again is applied again.',
    edits: [
      {
        file: `${app}/ingest/history.ts`,
        find: "  return batch.last === position.upTo ? { type: 'duplicate' } : { type: 'next', skip };",
        replace: "  return { type: 'next', skip: 0 };",
      },
    ],
    promises: ['event-applied-twice', 'passage-counted-twice'],
    focus: { withFaults: ['message-duplicated', 'message-delayed'] },
    maxSeeds: 5,
  },
  {
    name: 'out-of-order-apply',
    breaks: 'A batch is applied although the one before it has not come.',
    edits: [
      {
        file: `${app}/ingest/history.ts`,
        find: "  if (batch.first > position.upTo + 1) return { type: 'beyond' };",
        replace: "  if (batch.first > position.upTo + 1) return { type: 'next', skip: 0 };",
      },
    ],
    promises: ['cursor-without-events', 'stored-chain-broken'],
    focus: { withFaults: ['message-lost', 'message-reordered', 'link-cut'] },
    maxSeeds: 10,
  },
  {
    name: 'cursor-outside-the-transaction',
    breaks: 'The cursor of an edge moves in memory and is not stored with the events it covers.',
    edits: [
      {
        file: `${app}/ingest/batch-work.ts`,
        find: "  turn.put('cursors', row);",
        replace:
          "  (turn.directory as unknown as { follow(table: string, row: unknown): void }).follow('cursors', row);",
      },
    ],
    promises: ['events-without-cursor'],
    focus: { withFaults: [] },
    maxSeeds: 3,
  },
  {
    name: 'cloned-edge-accepted',
    breaks: 'Events that do not continue the stored chain of hashes are applied: those of a clone or an old copy.',
    edits: [
      {
        file: `${app}/ingest/history.ts`,
        find: "  if (position.hash !== '' && hashThere !== position.hash) return { type: 'conflict', conflict: 'hash-mismatch' };\n",
        replace: '',
      },
    ],
    promises: ['stored-chain-broken'],
    focus: { withFaults: ['edge-cloned', 'outbox-replaced-by-copy'] },
    maxSeeds: 30,
  },
  {
    name: 'resent-event-applied-again',
    breaks: 'An event that was sent again under a new epoch is applied although it is stored.',
    edits: [
      {
        file: `${app}/ingest/apply-event.ts`,
        find: '  if (origin !== null && stored?.has(origin.hash) === true) {',
        replace: '  if (origin !== null && stored === null) {',
      },
    ],
    promises: ['event-applied-twice'],
    focus: { withFaults: ['edge-cloned', 'outbox-replaced-by-copy', 'store-replaced-by-copy'] },
    maxSeeds: 30,
  },
  {
    name: 'overload-acknowledged',
    breaks:
      'What does not fit an inbox is dropped, and acknowledged to get rid of it. (The inbox is made small for this.)',
    edits: [
      {
        file: `${app}/ingest/receiver.ts`,
        find: "    else if (!inbox.offerBatch(received)) drop('inbox-full', edgeId);",
        replace: `    else if (!inbox.offerBatch(received)) {
      const read = readBatch(received.payload, context.sha256);
      if (read.ok) {
        const { instance, epoch, last, hashes } = read.value;
        context.outbound.ack(view, instance, { epoch, upTo: last, hash: hashes.at(-1) ?? '' }, null);
      }
    }`,
      },
      {
        file: `${app}/settings.ts`,
        find: "      .default(8)\n      .describe('Batches of one edge that may wait",
        replace: "      .default(2)\n      .describe('Batches of one edge that may wait",
      },
    ],
    promises: ['ack-ahead-of-store', 'released-before-stored'],
    focus: { withFaults: ['store-slow', 'flood', 'message-duplicated'] },
    maxSeeds: 20,
  },
  {
    name: 'restored-store-gives-out-slots',
    breaks: 'A restored aggregator gives out slots before the entry edges have reported.',
    edits: [
      {
        file: `${domain}/decide-arrival.ts`,
        find: "  if (state.ledger.recoveringEdges.length > 0) return 'recovering';\n",
        replace: '',
      },
    ],
    promises: ['slot-given-while-recovering', 'slot-for-two-vehicles'],
    focus: { withFaults: ['store-replaced-by-copy'] },
    maxSeeds: 30,
  },
  {
    name: 'reservation-freed-by-the-clock',
    breaks: 'A reservation that is 20 seconds old is freed, although its vehicle may have come in. (Looked for often.)',
    edits: [
      {
        file: `${domain}/decide-review.ts`,
        find: "import { counted, sessionEnded } from './facts-build.js';",
        replace: "import { counted, sessionEnded, slotReturned } from './facts-build.js';",
      },
      {
        file: `${domain}/decide-review.ts`,
        find: '  const ending = new Set(due.map(({ session }) => session.sessionId));',
        replace: `  const ending = new Set(due.map(({ session }) => session.sessionId));
  const facts: SiteFact[] = [];
  for (const [key, arrival] of state.arrivals) {
    const slot = state.slots.get(state.reservedFor.get(key) ?? '');
    if (slot === undefined || slot.frozen || context.nowMs - arrival.receivedAtMs < 20_000) continue;
    facts.push(...slotReturned(state, slot));
    facts.push({ type: 'arrival-ended', key, gateId: arrival.gateId, state: 'void', atMs: context.nowMs });
  }
  if (facts.length > 0) return facts;`,
      },
      {
        file: `${app}/settings.ts`,
        find: "default(60_000).describe('How often age limits are looked at.')",
        replace: "default(5_000).describe('How often age limits are looked at.')",
      },
    ],
    promises: ['reservation-ended-without-cause'],
    focus: { withFaults: ['link-cut', 'link-half-open', 'edge-crash', 'partition'] },
    maxSeeds: 20,
  },
  {
    name: 'reservation-kept-on-back-out',
    breaks: 'The reservation of a vehicle that backed out is not given back.',
    edits: [
      {
        file: `${domain}/decide-edge-event.ts`,
        find: "    ...reservationReturned(state, key),\n    { type: 'arrival-ended', key, gateId: arrival.gateId, state: frozen ? 'frozen' : outcome",
        replace: "    { type: 'arrival-ended', key, gateId: arrival.gateId, state: frozen ? 'frozen' : outcome",
      },
    ],
    promises: ['books-inconsistent', 'reservation-left'],
    focus: { withFaults: ['vehicle-backs-out'] },
    maxSeeds: 5,
  },
  {
    name: 'slot-taken-back-without-return',
    breaks: 'Slots that a new set does not list any more are free at once, while the edge may be giving them out.',
    edits: [
      {
        file: `${domain}/plan-allowance.ts`,
        find: '  return [\n    ...added.map(({ slotId }) => (',
        replace: `  const stays = new Set(allowance.slotIds);
  return [
    ...row.slotIds.flatMap((slotId) => (stays.has(slotId) ? [] : [{ type: 'slot-freed', slotId } as const])),
    ...added.map(({ slotId }) => (`,
      },
    ],
    promises: ['holding-taken-without-return', 'local-admission-of-anothers-slot'],
    focus: { withFaults: ['link-cut', 'message-delayed'] },
    maxSeeds: 10,
  },
  {
    name: 'freed-with-the-epoch',
    breaks: 'What was reserved under a replaced outbox is freed instead of frozen.',
    edits: [
      {
        file: `${domain}/decide-edge-fact.ts`,
        find: "    if (slotId !== undefined) facts.push({ type: 'slot-frozen', slotId });",
        replace: "    if (slotId !== undefined) facts.push({ type: 'slot-freed', slotId });",
      },
    ],
    promises: ['reservation-ended-without-cause'],
    focus: { withFaults: ['outbox-replaced-by-empty', 'outbox-replaced-by-copy', 'edge-cloned'] },
    maxSeeds: 30,
  },
  {
    name: 'exit-frees-anothers-slot',
    breaks: 'An exit that overtakes its entry closes the oldest session and frees its slot.',
    edits: [
      {
        file: `${domain}/decide-exit.ts`,
        find: `    facts.push({
      type: 'session-changed',
      sessionId: marked.sessionId,
      change: { state: 'uncertain', uncertainSinceMs: exit.atMs },
    });
  }
  let reviewId`,
        replace: `    facts.push(...sessionEnded(state, marked, { atMs: exit.atMs, gateId: exit.gateId, basis: exit.basis }));
  }
  let reviewId`,
      },
    ],
    promises: ['session-closed-for-another', 'slot-for-two-vehicles'],
    focus: { withFaults: ['link-cut', 'partition', 'reader-misread'] },
    maxSeeds: 20,
  },
  {
    name: 'losses-not-counted',
    breaks: 'Passages that an edge could only count are not added to the count of the site.',
    edits: [
      {
        file: `${domain}/decide-edge-event.ts`,
        find: "{ type: 'count-adjusted', by: event.entries - event.exits,",
        replace: "{ type: 'count-adjusted', by: 0,",
      },
    ],
    promises: ['count-moved-without-passage'],
    focus: { withFaults: ['outbox-full', 'outbox-error'] },
    maxSeeds: 20,
  },
  {
    name: 'audit-log-not-chained',
    breaks: 'Each row of the audit log stands for itself.',
    edits: [
      {
        file: `${app}/turn/audit-chain.ts`,
        find: '    prevHash: tail?.hash ?? auditGenesisHash,',
        replace: '    prevHash: auditGenesisHash,',
      },
    ],
    promises: ['audit-chain-broken'],
    focus: { withFaults: [] },
    maxSeeds: 3,
  },
];
