/**
 * Holds the allowance: takes sets as they come, lends slots to admissions, and gives back what could not be recorded. A slot may
 * be given out only while it is durably held and, during an acceptance, named by the new set as well.
 */
import type { Allowance, Credential, EdgeEvent, Logger, Sha256, SlotRef } from '@gatehouse/shared/edge';
import { accessOf, collectPage, credentialDigest, isComplete, listOf } from '../domain/admission/access-list.js';
import type { Access, AccessList, CollectedPages } from '../domain/admission/access-list.js';
import { acceptAllowance, giveOut, noAllowance } from '../domain/admission/allowance.js';
import type { Acceptance } from '../domain/admission/allowance.js';
import { createAllowanceLedger } from './allowance-ledger.js';
import type { AllowanceChange } from './allowance-ledger.js';
import { accessNotes, allowanceNotes, emptyNotes, storedAllowance } from './allowance-notes.js';
import type { ChangedNotes } from './allowance-notes.js';
import type { Draft, EventStamp } from './draft.js';
import type { OutboxNotes } from './ports.js';
import type { Recorder } from './recorder.js';
import type { AllowanceStatus } from './status.js';
import type { Tally } from './tally.js';

export interface AllowanceKeeper {
  status(): AllowanceStatus;
  /** What may be given out now. */
  usable(): { readonly version: number; readonly slots: readonly SlotRef[] };
  accessOf(credential: Credential | null): Access;
  /** Promises a slot to an arrival; `admit` or `withdraw` must follow. */
  promise(arrival: string, slotId: string): void;
  /** Nothing came of the promise. One that is being recorded is left alone. */
  withdraw(arrival: string): void;
  /** The draft of an admission that gives the promised slot out. If it is lost, the slot is back. */
  admit(arrival: string, slotId: string, draft: Draft): Draft;
  offered(allowance: Allowance): void;
  /** The two histories differ: nothing of this epoch is given out any more. */
  discard(): void;
  /** What a new epoch begins with. */
  notesForNewEpoch(): ChangedNotes;
  restore(notes: OutboxNotes): void;
}

interface Promised {
  readonly slotId: string;
  recording: boolean;
}

/** An acceptance on its way into the outbox. */
interface Accepting {
  readonly offer: Allowance;
  readonly offeredIds: ReadonlySet<string>;
}

export interface AllowanceKeeperOptions {
  readonly recorder: Recorder;
  readonly tally: Tally;
  readonly logger: Logger;
  readonly sha256: Sha256;
  readonly stamp: () => EventStamp;
  /** The version held is another one. */
  readonly onChanged: () => void;
}

export function createAllowanceKeeper(options: AllowanceKeeperOptions): AllowanceKeeper {
  const { recorder, tally, logger, sha256 } = options;
  const ledger = createAllowanceLedger();
  /** By arrival. */
  const promised = new Map<string, Promised>();
  let access: AccessList | null = null;
  let collected: CollectedPages | null = null;
  let accepting: Accepting | null = null;
  let discardedEpoch: string | null = null;

  const promisedSlots = (): Set<string> => new Set([...promised.values()].map(({ slotId }) => slotId));

  const slotsHeld = (): readonly SlotRef[] => (discardedEpoch === recorder.view.epoch ? [] : ledger.durable.slots);

  /** The acceptance as a draft: what goes back is settled when it is numbered, after all that is recorded before it. */
  const accept = (offer: Allowance, list: CollectedPages | null): void => {
    const { epoch, version } = offer;
    const pending: Accepting = { offer, offeredIds: new Set(offer.slots.map((slot) => slot.slotId)) };
    const newAccess = list === null ? access : listOf(list.head, list.pages.values());
    if (newAccess === undefined) return;
    let acceptance: Acceptance | undefined;
    const change: AllowanceChange = {
      apply: (state, seq) => {
        // A slot whose admission is numbered already is not in the state any more.
        const accepted = acceptAllowance(state, offer, seq, promisedSlots());
        acceptance = accepted ?? undefined;
        return accepted?.state ?? state;
      },
    };
    accepting = pending;
    recorder.record({
      kind: 'allowance-accepted',
      event: (_arrivals, seq): EdgeEvent | null => {
        // A conflict came first.
        if (accepting !== pending) return null;
        ledger.number(change, seq);
        if (acceptance === undefined) return null;
        const { returned, remaining } = acceptance;
        return { kind: 'allowance-accepted', ...options.stamp(), version, returned: [...returned], remaining };
      },
      notes: () => {
        const notes = allowanceNotes(epoch, acceptance?.state ?? noAllowance);
        return list === null ? notes : new Map([...notes, ...accessNotes(list)]);
      },
      recorded: () => {
        if (accepting === pending) accepting = null;
        ledger.recorded(change);
        access = newAccess;
        const { slots } = ledger.durable;
        logger.info(
          {
            version,
            slots: slots.length,
            returned: acceptance?.returned.length,
            remaining: acceptance?.remaining,
            accessVersion: access?.version,
          },
          'an allowance was stored',
        );
        options.onChanged();
      },
      // Nothing was written: what was held is still held, and the set will be sent again.
      lost: () => {
        ledger.lost(change);
        if (accepting === pending) accepting = null;
      },
    });
  };

  return {
    status: () => ({
      version: ledger.durable.version,
      slots: slotsHeld().length,
      accessVersion: access?.version ?? null,
    }),

    usable() {
      const taken = promisedSlots();
      return {
        version: ledger.durable.version,
        slots: slotsHeld().filter(
          ({ slotId }) => !taken.has(slotId) && (accepting === null || accepting.offeredIds.has(slotId)),
        ),
      };
    },

    accessOf(credential) {
      return accessOf(access, credential === null ? null : credentialDigest(sha256, recorder.view.epoch, credential));
    },

    promise(arrival, slotId) {
      promised.set(arrival, { slotId, recording: false });
    },

    withdraw(arrival) {
      if (promised.get(arrival)?.recording === false) promised.delete(arrival);
    },

    admit(arrival, slotId, draft) {
      const { epoch } = recorder.view;
      const promise = promised.get(arrival);
      if (promise !== undefined) promise.recording = true;
      const change: AllowanceChange = { apply: (state, seq) => giveOut(state, slotId, seq) };
      return {
        ...draft,
        notes: (seq, arrivals) => {
          const notes = new Map(draft.notes?.(seq, arrivals));
          return new Map([...notes, ...allowanceNotes(epoch, ledger.number(change, seq))]);
        },
        recorded: (seq) => {
          ledger.recorded(change);
          promised.delete(arrival);
          draft.recorded?.(seq);
        },
        lost: () => {
          ledger.lost(change);
          promised.delete(arrival);
          draft.lost?.();
        },
      };
    },

    offered(offer) {
      const { epoch, failing, next } = recorder.view;
      if (offer.epoch !== epoch || offer.epoch === discardedEpoch) {
        tally.count('messagesDropped');
        return;
      }
      // One that comes while another is being stored comes again.
      if (offer.version <= ledger.durable.version || accepting !== null || failing !== null) return;
      if (offer.asOf >= next) {
        tally.count('messagesDropped');
        logger.warn(
          { version: offer.version, asOf: offer.asOf, next },
          'an allowance knows of events not written here',
        );
        return;
      }
      if (access?.version === offer.access.version) {
        collected = null;
        accept(offer, null);
        return;
      }
      collected = collectPage(collected, offer.version, offer.access);
      if (!isComplete(collected)) return;
      accept(offer, collected);
      collected = null;
    },

    discard() {
      const { epoch } = recorder.view;
      if (discardedEpoch === epoch) return;
      discardedEpoch = epoch;
      accepting = null;
      collected = null;
      // The partings stay: until the epoch is over they keep slots from being taken again.
      const change: AllowanceChange = { apply: (state) => ({ ...state, slots: [] }) };
      recorder.record({
        kind: 'notes',
        notes: (seq) => allowanceNotes(epoch, ledger.number(change, seq)),
        recorded: () => {
          ledger.recorded(change);
        },
        lost: () => {
          ledger.lost(change);
        },
      });
      options.onChanged();
    },

    notesForNewEpoch() {
      ledger.reset(noAllowance);
      access = null;
      collected = null;
      accepting = null;
      return emptyNotes();
    },

    restore(notes) {
      const stored = storedAllowance(notes, recorder.view.epoch);
      if (stored === undefined) return;
      if (typeof stored === 'string') {
        logger.error({ error: stored }, 'the stored allowance is not usable and is left aside');
        return;
      }
      ledger.reset(stored.state);
      ({ access } = stored);
      const { version, slots } = stored.state;
      logger.info(
        { version, slots: slots.length, accessVersion: access.version },
        'the stored allowance is used again',
      );
    },
  };
}
