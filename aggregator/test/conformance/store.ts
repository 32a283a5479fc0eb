/** What every store must do, whatever it is made of. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvalidCursorError } from '../../src/app/ports.js';
import type { AggregatorStore, Page, PageRequest, SessionFilter, VehicleFilter } from '../../src/app/ports.js';
import type { SessionRow } from '../../src/domain/rows.js';
import * as rows from './rows.js';

export interface StoreUnderTest {
  /** Open. */
  readonly store: AggregatorStore;
  /** A new store over the same data, open, after the former was closed. */
  reopen(): Promise<AggregatorStore>;
  /** A new store over the same data, open, after the former ended as in a power cut. */
  reopenAfterPowerCut(): Promise<AggregatorStore>;
  dispose(): Promise<void>;
}

const { changeSet, hexId } = rows;

export function describeStore(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name}: an aggregator store`, () => {
    let test: StoreUnderTest;
    let store: AggregatorStore;
    beforeEach(async () => {
      test = await create();
      store = test.store;
    });
    afterEach(() => test.dispose());

    describe('load', () => {
      it('answers an empty state from a new store', async () => {
        const state = await store.load();
        expect(state.lastNoticeId).toBe(0);
        expect(state.lastAudit).toBeNull();
        expect(Object.values(state).filter((member) => Array.isArray(member) && member.length > 0)).toEqual([]);
      });

      it('gives back every row of every table as it was', async () => {
        const changes = everyTable();
        await store.commit(changes);
        const state = await store.load();
        expect(state).toEqual({
          sites: changes.sites,
          ledgers: changes.ledgers,
          slots: changes.slots,
          allowances: changes.allowances,
          sessions: changes.sessions,
          arrivals: changes.arrivals,
          reviews: changes.reviews,
          credentials: changes.credentials,
          vehicles: changes.vehicles,
          cursors: changes.cursors,
          retiredEpochs: changes.retiredEpochs,
          edges: changes.edges,
          keys: changes.keys,
          commands: changes.commands,
          lastNoticeId: 4,
          lastAudit: { auditId: 6, hash: changes.audit[1]?.hash },
        });
        const all = { limit: 10, cursor: null };
        expect((await store.listEvents({}, all)).items).toEqual(changes.events);
        expect((await store.listQuarantine({}, all)).items).toEqual(changes.quarantine);
        expect((await store.listAudit({}, all)).items).toEqual(changes.audit);
        expect(await store.listNotices(0, 10)).toEqual(changes.notices);
        expect(await store.getIdempotency('k:1')).toEqual(changes.idempotency[0]);
        expect(await store.getIdempotency('k:2')).toBeNull();
      });

      it('leaves out what has ended', async () => {
        await store.commit(
          changeSet({
            sessions: [
              rows.sessionRow(1),
              rows.sessionRow(2, { state: 'uncertain', credentialId: hexId(2) }),
              rows.sessionRow(3, { state: 'closed', exitAtMs: 9000, credentialId: hexId(3) }),
              rows.sessionRow(4, { state: 'void' }),
            ],
            arrivals: [
              rows.arrivalRow(1),
              rows.arrivalRow(2, { state: 'frozen', credentialId: hexId(4) }),
              rows.arrivalRow(3, { state: 'passed', endedAtMs: 9, credentialId: hexId(5) }),
            ],
            reviews: [rows.reviewRow(1), rows.reviewRow(2, { resolvedAtMs: 5, resolvedBy: 'desk' })],
            commands: [rows.commandRow(1), rows.commandRow(2, { state: 'done', endedAtMs: 5 })],
            credentials: [2, 3, 4, 5, 6].map((n) => rows.credentialRow(n)),
            vehicles: [rows.vehicleRow(6)],
          }),
        );
        const state = await store.load();
        expect(state.sessions.map((row) => row.ticket).sort()).toEqual([1, 2]);
        expect(state.arrivals.map((row) => row.seq).sort()).toEqual([1, 2]);
        expect(state.reviews.map((row) => row.reviewId)).toEqual([hexId(1)]);
        expect(state.commands.map((row) => row.commandId)).toEqual([hexId(1)]);
        expect(state.credentials.map((row) => row.credentialId).sort()).toEqual([hexId(2), hexId(4), hexId(6)]);
      });
    });

    describe('commit', () => {
      it('replaces a row with the same key', async () => {
        await store.commit(changeSet({ slots: [rows.slotRow()] }));
        const taken = rows.slotRow({ state: 'occupied', sessionId: hexId(1), confirmed: false, frozen: true });
        taken.recall = { kind: 'assign', by: 'desk', reason: 'moved', sessionId: hexId(2) };
        await store.commit(changeSet({ slots: [taken] }));
        expect((await store.load()).slots).toEqual([taken]);
      });

      it('removes slots and vehicles', async () => {
        await store.commit(
          changeSet({
            slots: [rows.slotRow(), rows.slotRow({ slotId: 'slot-2' }), rows.slotRow({ siteId: 'site-b' })],
            vehicles: [rows.vehicleRow(1), rows.vehicleRow(2)],
          }),
        );
        await store.commit(
          changeSet({
            removedSlots: [{ siteId: 'site-a', slotId: 'slot-1' }],
            removedVehicles: [rows.vehicleRow(1).vehicleId],
          }),
        );
        const state = await store.load();
        expect(state.slots.map((row) => `${row.siteId}/${row.slotId}`).sort()).toEqual([
          'site-a/slot-2',
          'site-b/slot-1',
        ]);
        expect(state.vehicles.map((row) => row.vehicleId)).toEqual([rows.vehicleRow(2).vehicleId]);
      });

      it('stores nothing of a change in which one row is invalid', async () => {
        await store.commit(changeSet({ slots: [rows.slotRow()], credentials: [rows.credentialRow(1)] }));
        const invalid = { ...rows.noticeRow(1), siteId: null } as unknown as ReturnType<typeof rows.noticeRow>;
        await expect(
          store.commit(
            changeSet({
              sessions: [rows.sessionRow(1)],
              removedSlots: [{ siteId: 'site-a', slotId: 'slot-1' }],
              erasedCredentials: [hexId(1)],
              notices: [invalid],
            }),
          ),
        ).rejects.toMatchObject({ name: 'StoreError', code: 'constraint' });
        expect((await store.load()).sessions).toEqual([]);
        expect((await store.load()).slots).toHaveLength(1);
        expect(await store.getCredentials([hexId(1)])).toHaveLength(1);
        await store.commit(changeSet({ sessions: [rows.sessionRow(1)] }));
        expect((await store.load()).sessions).toHaveLength(1);
      });

      it('refuses a member that is missing altogether', async () => {
        const broken = { siteId: 'site-a', slotId: 'slot-1' } as unknown as ReturnType<typeof rows.slotRow>;
        await expect(store.commit(changeSet({ slots: [broken] }))).rejects.toMatchObject({ code: 'constraint' });
      });

      it('refuses two ids for one credential text, and takes the text under another id once it was erased', async () => {
        await store.commit(changeSet({ credentials: [rows.credentialRow(1)] }));
        const again = rows.credentialRow(2, { value: rows.credentialRow(1).value });
        await expect(store.commit(changeSet({ credentials: [again] }))).rejects.toMatchObject({ code: 'constraint' });
        await store.commit(changeSet({ credentials: [again], erasedCredentials: [hexId(1)] }));
        expect(await store.findCredentials([again])).toEqual([again]);
      });

      it('keeps its rows apart from the caller’s', async () => {
        const slot = rows.slotRow();
        const changes = changeSet({ slots: [slot] });
        await store.commit(changes);
        slot.label = 'changed';
        changes.slots.push(rows.slotRow({ slotId: 'slot-9' }));
        const [loaded] = (await store.load()).slots;
        expect(loaded?.label).toBe('1');
        if (loaded !== undefined) loaded.label = 'changed too';
        expect((await store.load()).slots).toEqual([rows.slotRow()]);
      });

      it('keeps texts of any script, however odd, and times of decades to the microsecond', async () => {
        // SQLite reads a number's text exactly up to 15 digits, not each of the 17 that a double may have.
        const microseconds = fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 });
        const text = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((value) => !value.includes('\0'));
        await fc.assert(
          fc.asyncProperty(text, microseconds, async (holder, offset) => {
            const clockOffsetMs = offset / 1000;
            await store.commit(
              changeSet({ vehicles: [rows.vehicleRow(1, { holder })], cursors: [rows.cursorRow({ clockOffsetMs })] }),
            );
            const state = await store.load();
            expect(state.vehicles[0]?.holder).toBe(holder);
            expect(state.cursors[0]?.clockOffsetMs).toBe(clockOffsetMs);
          }),
          { numRuns: 50 },
        );
      });

      it('takes an empty change and a large one', async () => {
        await store.commit(changeSet());
        const events = Array.from({ length: 3000 }, (_, index) => rows.eventRow(index + 1));
        await store.commit(changeSet({ events }));
        expect(await countAll((page) => store.listEvents({}, page), 500)).toBe(3000);
      });

      it('can be read as soon as it resolved', async () => {
        for (let n = 1; n <= 20; n += 1) {
          await store.commit(changeSet({ sessions: [rows.sessionRow(n)] }));
          expect(await store.getSession('site-a', hexId(n))).toEqual(rows.sessionRow(n));
        }
      });

      it('is in sessions and lists that are asked for while it is under way, and one that fails is not', async () => {
        for (let n = 1; n <= 20; n += 1) {
          const stored = store.commit(changeSet({ sessions: [rows.sessionRow(n)], events: [rows.eventRow(n)] }));
          const [session, sessions, events] = await Promise.all([
            store.getSession('site-a', hexId(n)),
            store.listSessions({ siteId: 'site-a' }, { limit: 100, cursor: null }),
            store.listEvents({}, { limit: 100, cursor: null }),
          ]);
          expect([session, sessions.items.length, events.items.length]).toEqual([rows.sessionRow(n), n, n]);
          await stored;
        }
        const broken = { siteId: 'site-a', slotId: 'slot-1' } as unknown as ReturnType<typeof rows.slotRow>;
        const refused = store.commit(changeSet({ sessions: [rows.sessionRow(21)], slots: [broken] }));
        const asked = store.getSession('site-a', hexId(21));
        await expect(refused).rejects.toThrow();
        expect(await asked).toBeNull();
      });
    });

    describe('lookups', () => {
      it('finds credentials by kind and text, and by id', async () => {
        const tag = rows.credentialRow(3, { kind: 'tag', value: 'AB0001' });
        await store.commit(changeSet({ credentials: [rows.credentialRow(1), rows.credentialRow(2), tag] }));
        const found = await store.findCredentials([
          { kind: 'tag', value: 'AB0001' },
          { kind: 'plate', value: 'AB0002' },
          { kind: 'plate', value: 'AB0002' },
          { kind: 'plate', value: 'ab0001' },
          { kind: 'ticket', value: 'nothing' },
        ]);
        expect(found.map((row) => row.credentialId).sort()).toEqual([hexId(2), hexId(3)]);
        const byId = await store.getCredentials([hexId(1), hexId(1), hexId(99)]);
        expect(byId).toEqual([rows.credentialRow(1)]);
        expect(await store.findCredentials([])).toEqual([]);
        expect(await store.getCredentials([])).toEqual([]);
      });

      it('finds events by edge, epoch and seq', async () => {
        const other = rows.eventRow(2, { epoch: 'f'.repeat(32), hash: 'b'.repeat(64) });
        await store.commit(changeSet({ events: [rows.eventRow(1), rows.eventRow(2), other] }));
        const found = await store.findEvents('edge-1', [
          { epoch: rows.epoch, seq: 1 },
          { epoch: other.epoch, seq: 2 },
          { epoch: rows.epoch, seq: 3 },
        ]);
        expect(found.sort((one, two) => one.seq - two.seq)).toEqual([
          { epoch: rows.epoch, seq: 1, hash: rows.eventRow(1).hash },
          { epoch: other.epoch, seq: 2, hash: other.hash },
        ]);
        expect(await store.findEvents('edge-2', [{ epoch: rows.epoch, seq: 1 }])).toEqual([]);
      });

      it('finds an event that was sent again by where it stood first', async () => {
        const first = { epoch: 'd'.repeat(32), seq: 12, hash: 'f'.repeat(64) };
        const origin = `${first.epoch}:12:${first.hash}`;
        await store.commit(changeSet({ events: [rows.eventRow(1, { origin })] }));
        expect(await store.findEvents('edge-1', [{ epoch: first.epoch, seq: 12 }])).toEqual([first]);
        for (const seq of [1, 2, 120]) {
          expect(await store.findEvents('edge-1', [{ epoch: first.epoch, seq }])).toEqual([]);
        }
      });

      it('finds all that is stored for one place: an outbox was copied, and each copy went on', async () => {
        const there = rows.eventRow(1);
        const origin = `${there.epoch}:1:${'c'.repeat(64)}`;
        await store.commit(changeSet({ events: [there, rows.eventRow(2, { origin })] }));
        const found = await store.findEvents('edge-1', [{ epoch: there.epoch, seq: 1 }]);
        expect(found.map(({ hash }) => hash).sort()).toEqual([there.hash, 'c'.repeat(64)].sort());
      });

      it('gets a session by site and id', async () => {
        const closed = rows.sessionRow(1, { state: 'closed', exitAtMs: 5000, durationMs: 4000, exitAuthorised: true });
        await store.commit(changeSet({ sessions: [closed, rows.sessionRow(1, { siteId: 'site-b' })] }));
        expect(await store.getSession('site-a', hexId(1))).toEqual(closed);
        expect(await store.getSession('site-c', hexId(1))).toBeNull();
      });
    });

    describe('sessions', () => {
      const all: SessionRow[] = [
        rows.sessionRow(1, { state: 'closed', exitAtMs: 10_000, exitGateId: 'exit-1', credentialId: hexId(7) }),
        rows.sessionRow(2, { state: 'closed', exitAtMs: 12_000, exitGateId: 'exit-2', slotId: 'slot-1' }),
        rows.sessionRow(3, { state: 'uncertain', slotId: 'slot-2', vehicleId: hexId(1001) }),
        rows.sessionRow(4, { entryGateId: 'entry-2', credentialId: hexId(7), slotId: 'slot-1' }),
        rows.sessionRow(5, { siteId: 'site-b', slotId: 'slot-1', vehicleId: hexId(1001) }),
        rows.sessionRow(6, { state: 'void' }),
      ];
      const day = 24 * 3_600_000;
      const cases: [string, Partial<SessionFilter>, number[]][] = [
        ['nothing else', {}, [6, 4, 3, 2, 1]],
        ['another site', { siteId: 'site-b' }, [5]],
        ['states', { states: ['closed', 'void'] }, [6, 2, 1]],
        ['states inside', { states: ['open', 'uncertain'] }, [4, 3]],
        ['one state', { states: ['open'] }, [4]],
        ['what never was', { states: ['void'] }, [6]],
        ['no state at all', { states: [] }, []],
        ['credential', { credentialId: hexId(7) }, [4, 1]],
        ['credential and state', { credentialId: hexId(7), states: ['open'] }, [4]],
        ['vehicle', { vehicleId: hexId(1001) }, [3]],
        ['vehicle at another site', { vehicleId: hexId(1001), siteId: 'site-b' }, [5]],
        ['slot', { slotId: 'slot-1' }, [4, 2]],
        ['slot of another site', { slotId: 'slot-1', siteId: 'site-b' }, [5]],
        ['gate of entry', { gateId: 'entry-2' }, [4]],
        ['gate of exit', { gateId: 'exit-2' }, [2]],
        ['entered from', { enteredFromMs: 4000 }, [6, 4]],
        ['entered before', { enteredBeforeMs: 3000 }, [2, 1]],
        ['entered within', { enteredFromMs: 2000, enteredBeforeMs: 5000 }, [4, 3, 2]],
        ['exited from', { exitedFromMs: 12_000 }, [2]],
        ['exited from, entered in that time or before it', { exitedFromMs: 2_000 }, [2, 1]],
        ['exited before', { exitedBeforeMs: 12_000 }, [1]],
        ['exited within a short time', { exitedFromMs: 10_000, exitedBeforeMs: 12_001 }, [2, 1]],
        ['exited within a long time', { exitedFromMs: 0, exitedBeforeMs: 100 * day }, [2, 1]],
      ];
      const filterOf = (part: Partial<SessionFilter>): SessionFilter => ({ siteId: 'site-a', ...part });
      it.each(cases)('are listed by %s, newest entry first', async (_, part, expected) => {
        await store.commit(changeSet({ sessions: all }));
        const filter = filterOf(part);
        const tickets = async (limit: number): Promise<number[]> =>
          (await readAll((page) => store.listSessions(filter, page), limit)).map((row) => row.ticket);
        expect(await tickets(100)).toEqual(expected);
        expect(await tickets(1)).toEqual(expected);
        expect(await tickets(2)).toEqual(expected);
      });

      it('answer the same under any combination of filters as plain filtering does', async () => {
        await store.commit(changeSet({ sessions: all }));
        const filters = cases.map(([, filter]) => filter);
        await fc.assert(
          fc.asyncProperty(fc.subarray(filters, { minLength: 1, maxLength: 3 }), async (parts) => {
            const filter = filterOf(Object.assign({}, ...parts) as Partial<SessionFilter>);
            const found = await readAll((page) => store.listSessions(filter, page), 2);
            const expected = all.filter((row) => passes(filter, row)).reverse();
            expect(found.map((row) => row.ticket)).toEqual(expected.map((row) => row.ticket));
          }),
          { numRuns: 60 },
        );
      });

      it('are listed by the time they left in and the gate, however long before they had entered', async () => {
        const moment = fc.integer({ min: 0, max: 12 });
        const stay = fc.record({ entered: moment, lasted: fc.option(moment), never: fc.boolean() });
        let round = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(stay, { maxLength: 12 }),
            fc.record({ exitedFromMs: moment, exitedBeforeMs: moment }, { requiredKeys: [] }),
            fc.record({ enteredBeforeMs: moment, gateId: fc.constantFrom('exit-1', 'entry-1') }, { requiredKeys: [] }),
            fc.integer({ min: 1, max: 4 }),
            // From stays of milliseconds to some of days.
            fc.constantFrom(1, 11 * 60_000, 7 * 3_600_000),
            async (stays, left, others, limit, unitMs) => {
              const siteId = `site-${String((round += 1))}`;
              const sessions = stays.map(({ entered, lasted, never }, index) =>
                rows.sessionRow(index + 1, {
                  siteId,
                  entryAtMs: entered * unitMs,
                  ...(lasted !== null
                    ? { state: 'closed', exitAtMs: (entered + lasted) * unitMs }
                    : never
                      ? { state: 'void' }
                      : {}),
                  entryGateId: index % 3 === 0 ? 'entry-1' : 'exit-1',
                  exitGateId: index % 2 === 0 ? 'exit-1' : null,
                }),
              );
              await store.commit(changeSet({ sessions }));
              const inUnits = (moments: Record<string, number>) =>
                Object.fromEntries(Object.entries(moments).map(([name, value]) => [name, value * unitMs]));
              const { gateId, ...entered } = others;
              const filter = {
                siteId,
                ...(gateId === undefined ? {} : { gateId }),
                ...inUnits({ ...left, ...entered }),
              };
              const found = await readAll((page) => store.listSessions(filter, page), limit);
              const expected = sessions
                .filter((row) => passes(filter, row))
                .sort((one, other) => other.entryAtMs - one.entryAtMs || other.ticket - one.ticket);
              expect(found.map((row) => row.ticket)).toEqual(expected.map((row) => row.ticket));
            },
          ),
          { numRuns: 60 },
        );
      });

      it('keep their pages while rows come in and change', async () => {
        const many = Array.from({ length: 30 }, (_, index) => rows.sessionRow(index + 1, { entryAtMs: 1000 }));
        await store.commit(changeSet({ sessions: many }));
        const seen: number[] = [];
        let cursor: string | null = null;
        let next = 31;
        do {
          const page: Page<SessionRow> = await store.listSessions({ siteId: 'site-a' }, { limit: 7, cursor });
          seen.push(...page.items.map((row) => row.ticket));
          cursor = page.nextCursor;
          await store.commit(
            changeSet({
              sessions: [
                rows.sessionRow(next, { entryAtMs: 2000 + next }),
                rows.sessionRow(1, { entryAtMs: 1000, state: 'closed', exitAtMs: next }),
              ],
            }),
          );
          next += 1;
        } while (cursor !== null);
        expect(seen).toHaveLength(30);
        expect(new Set(seen)).toEqual(new Set(many.map((row) => row.ticket)));
      });
    });

    describe('other lists', () => {
      it('events: by site, edge, gate, kind and time of receipt, newest first', async () => {
        const events = [
          rows.eventRow(1),
          rows.eventRow(2, { kind: 'fault-raised', gateId: null }),
          rows.eventRow(3, { edgeId: 'edge-2', siteId: 'site-b' }),
          rows.eventRow(4, { gateId: 'exit-1', flags: ['clock-off', 'resent'] }),
          rows.eventRow(5, { receivedAtMs: 40 }),
        ];
        await store.commit(changeSet({ events }));
        const seqs = async (filter: Parameters<AggregatorStore['listEvents']>[0]): Promise<number[]> =>
          (await readAll((page) => store.listEvents(filter, page), 2)).map((row) => row.seq);
        expect(await seqs({})).toEqual([5, 4, 3, 2, 1]);
        expect(await seqs({ siteId: 'site-b' })).toEqual([3]);
        expect(await seqs({ edgeId: 'edge-1' })).toEqual([5, 4, 2, 1]);
        expect(await seqs({ gateId: 'exit-1' })).toEqual([4]);
        expect(await seqs({ kind: 'fault-raised' })).toEqual([2]);
        expect(await seqs({ kind: 'vehicle-passed', siteId: 'site-a' })).toEqual([5, 4, 1]);
        expect(await seqs({ fromMs: 20, beforeMs: 40 })).toEqual([3, 2]);
        expect((await store.listEvents({ gateId: 'exit-1' }, { limit: 1, cursor: null })).items).toEqual([events[3]]);
      });

      it('vehicles: by the start of the credential, the holder, class, block and permit, in the order of the text', async () => {
        await store.commit(
          changeSet({
            credentials: [
              rows.credentialRow(1, { value: 'XY1' }),
              rows.credentialRow(2, { value: 'AB12' }),
              rows.credentialRow(3, { value: 'AB1' }),
              rows.credentialRow(4, { value: 'ÄB1' }),
              rows.credentialRow(5, { value: 'AB12', kind: 'tag' }),
            ],
            vehicles: [
              rows.vehicleRow(1, { holder: 'Ümit 100% Ö_zil' }),
              rows.vehicleRow(2, { blockedReason: 'unpaid', holder: null }),
              rows.vehicleRow(3, { slotClass: 'ev', permits: [] }),
              rows.vehicleRow(4, { permits: [{ siteId: 'b', zoneId: 'z', slotClass: null, fromMs: null, toMs: 5 }] }),
              rows.vehicleRow(5),
            ],
          }),
        );
        const found = async (filter: VehicleFilter): Promise<number[]> =>
          (await readAll((page) => store.listVehicles(filter, page), 2)).map((row) => row.createdAtMs);
        expect(await found({})).toEqual([3, 2, 5, 1, 4]);
        expect(await found({ credentialPrefix: 'AB1' })).toEqual([3, 2, 5]);
        expect(await found({ credentialPrefix: 'AB12' })).toEqual([2, 5]);
        expect(await found({ credentialPrefix: 'B' })).toEqual([]);
        expect(await found({ credentialPrefix: '%' })).toEqual([]);
        expect(await found({ holderContains: 'üMIT' })).toEqual([1]);
        expect(await found({ holderContains: '100% ö_' })).toEqual([1]);
        expect(await found({ holderContains: '%' })).toEqual([1]);
        expect(await found({ holderContains: '' })).toEqual([3, 2, 5, 1, 4]);
        expect(await found({ slotClass: 'ev' })).toEqual([3]);
        expect(await found({ blocked: true })).toEqual([2]);
        expect(await found({ blocked: false })).toEqual([3, 5, 1, 4]);
        expect(await found({ permitSiteId: 'b' })).toEqual([4]);
        expect(await found({ permitSiteId: 'site-a', credentialPrefix: 'AB' })).toEqual([2, 5]);
      });

      it('vehicles whose credential was erased end the list', async () => {
        await store.commit(
          changeSet({
            credentials: [1, 2, 3, 4].map((n) => rows.credentialRow(n)),
            vehicles: [1, 2, 3, 4].map((n) => rows.vehicleRow(n)),
          }),
        );
        await store.commit(changeSet({ erasedCredentials: [hexId(1), hexId(3)] }));
        for (const limit of [1, 2, 3, 10]) {
          const found = await readAll((page) => store.listVehicles({}, page), limit);
          expect(found.map((row) => row.createdAtMs)).toEqual([2, 4, 1, 3]);
        }
      });

      it('reviews: by site, kind and whether they are open, newest first', async () => {
        await store.commit(
          changeSet({
            reviews: [
              rows.reviewRow(1),
              rows.reviewRow(2, { siteId: 'site-b' }),
              rows.reviewRow(3, { kind: 'no-slot' }),
              rows.reviewRow(4, { resolvedAtMs: 9, resolvedBy: 'desk', resolution: 'seen' }),
            ],
          }),
        );
        const found = async (filter: Parameters<AggregatorStore['listReviews']>[0]): Promise<number[]> =>
          (await readAll((page) => store.listReviews(filter, page), 2)).map((row) => row.openedAtMs);
        expect(await found({})).toEqual([4, 3, 2, 1]);
        expect(await found({ siteId: 'site-a' })).toEqual([4, 3, 1]);
        expect(await found({ kind: 'no-slot' })).toEqual([3]);
        expect(await found({ open: true })).toEqual([3, 2, 1]);
        expect(await found({ open: false, siteId: 'site-a' })).toEqual([4]);
      });

      it('quarantine newest first, audit oldest first, each by site', async () => {
        await store.commit(
          changeSet({
            quarantine: [rows.quarantineRow(1), rows.quarantineRow(2, { siteId: null }), rows.quarantineRow(3)],
            audit: [rows.auditRow(1), rows.auditRow(2, { siteId: 'site-b' }), rows.auditRow(3)],
          }),
        );
        const quarantined = async (filter: { siteId?: string }): Promise<number[]> =>
          (await readAll((page) => store.listQuarantine(filter, page), 1)).map((row) => row.receivedAtMs);
        expect(await quarantined({})).toEqual([3, 2, 1]);
        expect(await quarantined({ siteId: 'site-a' })).toEqual([3, 1]);
        const audited = async (filter: { siteId?: string }): Promise<number[]> =>
          (await readAll((page) => store.listAudit(filter, page), 1)).map((row) => row.auditId);
        expect(await audited({})).toEqual([1, 2, 3]);
        expect(await audited({ siteId: 'site-a' })).toEqual([1, 3]);
      });

      it('notices after an id, oldest first, at most so many', async () => {
        await store.commit(changeSet({ notices: [5, 6, 7, 8].map((id) => rows.noticeRow(id)) }));
        expect((await store.listNotices(5, 2)).map((row) => row.noticeId)).toEqual([6, 7]);
        expect(await store.listNotices(8, 2)).toEqual([]);
      });

      it('refuse a cursor that is not theirs', async () => {
        await store.commit(changeSet({ sessions: [rows.sessionRow(1), rows.sessionRow(2)] }));
        const { nextCursor } = await store.listSessions({ siteId: 'site-a' }, { limit: 1, cursor: null });
        expect(nextCursor).not.toBeNull();
        await expect(store.listEvents({}, { limit: 1, cursor: nextCursor })).rejects.toThrow(InvalidCursorError);
        for (const cursor of [
          '',
          'x',
          '!!',
          'bnVsbA',
          'W10',
          Buffer.from('["sessions","a",1,2]').toString('base64url'),
        ]) {
          await expect(store.listSessions({ siteId: 'site-a' }, { limit: 1, cursor })).rejects.toThrow(
            InvalidCursorError,
          );
        }
        await expect(store.listSessions({ siteId: 'site-a' }, { limit: 1, cursor: 'A'.repeat(5000) })).rejects.toThrow(
          InvalidCursorError,
        );
        const gone = Buffer.from(JSON.stringify(['vehicles', hexId(99)])).toString('base64url');
        await expect(store.listVehicles({}, { limit: 1, cursor: gone })).rejects.toThrow(InvalidCursorError);
      });

      it('hold no credential text in their cursors', async () => {
        await store.commit(
          changeSet({
            credentials: [1, 2].map((n) => rows.credentialRow(n)),
            vehicles: [1, 2].map((n) => rows.vehicleRow(n)),
          }),
        );
        const { nextCursor } = await store.listVehicles({}, { limit: 1, cursor: null });
        expect(Buffer.from(nextCursor ?? '', 'base64url').toString()).not.toContain('AB');
      });
    });

    describe('erasure', () => {
      it('takes the text of a credential out of everything, and nothing else', async () => {
        await store.commit(
          changeSet({
            credentials: [rows.credentialRow(1)],
            sessions: [rows.sessionRow(1, { credentialId: hexId(1) })],
            events: [rows.eventRow(1, { credentialId: hexId(1) })],
          }),
        );
        await store.commit(changeSet({ erasedCredentials: [hexId(1)], credentials: [rows.credentialRow(1)] }));
        expect(await store.getCredentials([hexId(1)])).toEqual([]);
        expect(await store.findCredentials([rows.credentialRow(1)])).toEqual([]);
        expect((await store.load()).credentials).toEqual([]);
        expect((await store.getSession('site-a', hexId(1)))?.credentialId).toBe(hexId(1));
        expect((await store.listEvents({}, { limit: 1, cursor: null })).items).toHaveLength(1);
      });
    });

    /** What was committed a moment ago may escape deletion, until it has been read. */
    const commitAndLoad = async (changes: ReturnType<typeof changeSet>): Promise<void> => {
      await store.commit(changes);
      await store.load();
    };

    describe('prune', () => {
      it('deletes what has ended before a time, in steps of at most so many rows', async () => {
        const closed = [1, 2, 3, 4, 5].map((n) => rows.sessionRow(n, { state: 'closed', exitAtMs: n * 100 }));
        const inside = [rows.sessionRow(6, { entryAtMs: 1 }), rows.sessionRow(7, { entryAtMs: 1, state: 'uncertain' })];
        await commitAndLoad(changeSet({ sites: [rows.siteRow()], sessions: [...closed, ...inside] }));
        expect(await store.prune('sessions', 500, 3)).toBe(3);
        expect(await store.prune('sessions', 500, 3)).toBe(1);
        expect(await store.prune('sessions', 500, 3)).toBe(0);
        const left = await readAll((page) => store.listSessions({ siteId: 'site-a' }, page), 10);
        expect(left.map((row) => row.ticket).sort()).toEqual([5, 6, 7]);
      });

      it('keeps what has not ended and the last notice, of every kind', async () => {
        await commitAndLoad(
          changeSet({
            arrivals: [rows.arrivalRow(1), rows.arrivalRow(2, { state: 'passed', endedAtMs: 5 })],
            reviews: [rows.reviewRow(1), rows.reviewRow(2, { resolvedAtMs: 5 })],
            commands: [
              rows.commandRow(1, { createdAtMs: 5 }),
              rows.commandRow(2, { createdAtMs: 5, state: 'expired', endedAtMs: 6 }),
              rows.commandRow(3, { createdAtMs: 5, state: 'done', endedAtMs: 50 }),
              rows.commandRow(4, { createdAtMs: 50 }),
            ],
            events: [rows.eventRow(1), rows.eventRow(9)],
            quarantine: [rows.quarantineRow(1), rows.quarantineRow(90)],
            notices: [rows.noticeRow(1), rows.noticeRow(2)],
            idempotency: [rows.idempotencyRow(), rows.idempotencyRow({ idempotencyKey: 'k:2', createdAtMs: 99 })],
          }),
        );
        expect(await store.prune('arrivals', 50, 10)).toBe(1);
        expect(await store.prune('reviews', 50, 10)).toBe(1);
        // Those that nobody ever answered too.
        expect(await store.prune('commands', 50, 10)).toBe(2);
        expect(await store.prune('events', 50, 10)).toBe(1);
        expect(await store.prune('quarantine', 50, 10)).toBe(1);
        expect(await store.prune('notices', 50, 10)).toBe(1);
        expect(await store.prune('idempotency', 50, 10)).toBe(1);
        const state = await store.load();
        expect(state.arrivals).toHaveLength(1);
        expect(state.reviews).toHaveLength(1);
        expect(state.commands.map((row) => row.commandId)).toEqual([hexId(4)]);
        expect(state.lastNoticeId).toBe(2);
        expect(await store.getIdempotency('k:2')).not.toBeNull();
      });
    });

    describe('old entries of the audit log', () => {
      const numbersLeft = async (): Promise<number[]> =>
        (await readAll((page) => store.listAudit({}, page), 10)).map((row) => row.auditId);
      const write = (atMs: readonly number[]): Promise<void> =>
        commitAndLoad(changeSet({ audit: atMs.map((time, index) => rows.auditRow(index + 1, { atMs: time })) }));

      it('are found from the first on, as far as all of them are old', async () => {
        expect(await store.findOldAudit(100, 10)).toBeNull();
        await write([10, 20, 30, 40, 50]);
        const upTo = (auditId: number) => ({ upTo: auditId, hash: rows.auditRow(auditId).hash });
        expect(await store.findOldAudit(31, 10)).toEqual({ rows: 3, firstAtMs: 10, ...upTo(3) });
        expect(await store.findOldAudit(31, 2)).toEqual({ rows: 2, firstAtMs: 10, ...upTo(2) });
        expect(await store.findOldAudit(10, 10)).toBeNull();
        expect(await store.findOldAudit(1_000, 10)).toEqual({ rows: 5, firstAtMs: 10, ...upTo(5) });
      });

      it('are never found behind one that is not old', async () => {
        await write([10, 90, 20, 30]);
        expect(await store.findOldAudit(50, 10)).toMatchObject({ rows: 1, upTo: 1 });
      });

      it('are deleted in order, so many at a time, and the newest stays', async () => {
        await write([10, 20, 30, 40, 50]);
        expect(await store.pruneAudit(3, 2)).toBe(2);
        expect(await numbersLeft()).toEqual([3, 4, 5]);
        expect(await store.pruneAudit(3, 2)).toBe(1);
        expect(await store.pruneAudit(3, 2)).toBe(0);
        expect(await store.pruneAudit(1_000, 10)).toBe(1);
        expect(await numbersLeft()).toEqual([5]);
        expect((await store.load()).lastAudit).toEqual({ auditId: 5, hash: rows.auditRow(5).hash });
      });
    });

    describe('pruneCredentials', () => {
      const textsLeft = async (count: number): Promise<string[]> => {
        const ids = Array.from({ length: count }, (_, index) => hexId(index + 1));
        return (await store.getCredentials(ids)).map((row) => row.credentialId).sort();
      };
      const anyMayGo = (): boolean => true;

      it('deletes what no session, arrival, event, review or vehicle refers to, by its text too', async () => {
        const of = (n: number) => ({ credentialId: hexId(n) });
        await commitAndLoad(
          changeSet({
            credentials: [1, 2, 3, 4, 5, 6, 7].map((n) => rows.credentialRow(n)),
            sessions: [rows.sessionRow(1, { state: 'closed', exitAtMs: 5, ...of(1) })],
            arrivals: [rows.arrivalRow(1, { state: 'passed', endedAtMs: 5, ...of(2) })],
            events: [rows.eventRow(1, of(3))],
            reviews: [rows.reviewRow(1, { resolvedAtMs: 5, ...of(4) })],
            vehicles: [rows.vehicleRow(5)],
          }),
        );
        expect(await store.pruneCredentials(null, 10, anyMayGo)).toEqual({ deleted: 2, lastId: null });
        expect(await textsLeft(7)).toEqual([1, 2, 3, 4, 5].map(hexId));
        expect(await store.findCredentials([rows.credentialRow(6)])).toEqual([]);
        const again = rows.credentialRow(6, { credentialId: hexId(60) });
        await store.commit(changeSet({ credentials: [again] }));
        expect(await store.findCredentials([again])).toEqual([again]);
      });

      it('deletes a text once the last row that referred to it is gone', async () => {
        await commitAndLoad(
          changeSet({
            credentials: [rows.credentialRow(1)],
            events: [rows.eventRow(1, { credentialId: hexId(1) })],
            reviews: [rows.reviewRow(1, { credentialId: hexId(1), resolvedAtMs: 5 })],
          }),
        );
        await store.prune('events', 1_000, 10);
        expect(await store.pruneCredentials(null, 10, anyMayGo)).toEqual({ deleted: 0, lastId: null });
        await store.prune('reviews', 1_000, 10);
        expect(await store.pruneCredentials(null, 10, anyMayGo)).toEqual({ deleted: 1, lastId: null });
        expect(await textsLeft(1)).toEqual([]);
      });

      it('looks at no more than it is asked to, and goes on from there', async () => {
        await commitAndLoad(
          changeSet({
            credentials: [1, 2, 3, 4, 5].map((n) => rows.credentialRow(n)),
            events: [rows.eventRow(1, { credentialId: hexId(1) })],
          }),
        );
        expect(await store.pruneCredentials(null, 2, anyMayGo)).toEqual({ deleted: 1, lastId: hexId(2) });
        expect(await textsLeft(5)).toEqual([1, 3, 4, 5].map(hexId));
        expect(await store.pruneCredentials(hexId(2), 2, anyMayGo)).toEqual({ deleted: 2, lastId: hexId(4) });
        expect(await store.pruneCredentials(hexId(4), 2, anyMayGo)).toEqual({ deleted: 1, lastId: null });
        expect(await textsLeft(5)).toEqual([hexId(1)]);
      });

      it('asks before it deletes, only of what nothing refers to, and keeps what may not go', async () => {
        await commitAndLoad(
          changeSet({
            credentials: [1, 2, 3].map((n) => rows.credentialRow(n)),
            vehicles: [rows.vehicleRow(1)],
          }),
        );
        const asked: string[] = [];
        const mayGo = (credentialId: string): boolean => asked.push(credentialId) > 1;
        expect(await store.pruneCredentials(null, 10, mayGo)).toEqual({ deleted: 1, lastId: null });
        expect(asked).toEqual([hexId(2), hexId(3)]);
        expect(await textsLeft(3)).toEqual([hexId(1), hexId(2)]);
      });
    });

    describe('retired epochs', () => {
      it('are removed when a commit says so, and only those', async () => {
        const of = (letter: string, edgeId = 'edge-1') => rows.retiredEpochRow({ edgeId, epoch: letter.repeat(32) });
        await store.commit(changeSet({ retiredEpochs: [of('a'), of('b'), of('a', 'edge-2')] }));
        await store.commit(
          changeSet({
            retiredEpochs: [of('c')],
            removedRetiredEpochs: [{ edgeId: 'edge-1', epoch: 'a'.repeat(32) }],
          }),
        );
        const left = (await store.load()).retiredEpochs.map(({ edgeId, epoch }) => `${edgeId}:${epoch.slice(0, 1)}`);
        expect(left.sort()).toEqual(['edge-1:b', 'edge-1:c', 'edge-2:a']);
      });
    });

    describe('opening and closing', () => {
      it('has after closing and opening what was committed', async () => {
        const changes = everyTable();
        await store.commit(changes);
        const before = await store.load();
        store = await test.reopen();
        expect(await store.load()).toEqual(before);
        await store.commit(changeSet({ sessions: [rows.sessionRow(9)] }));
        expect(await store.getSession('site-a', hexId(9))).not.toBeNull();
      });

      it('has after a power cut what was committed', async () => {
        await store.commit(everyTable());
        const before = await store.load();
        store = await test.reopenAfterPowerCut();
        expect(await store.load()).toEqual(before);
      });

      it('may be opened and closed twice, and answers `closed` in between', async () => {
        await store.open();
        await store.close();
        await store.close();
        await expect(store.load()).rejects.toMatchObject({ name: 'StoreError', code: 'closed' });
        await expect(store.commit(changeSet())).rejects.toMatchObject({ code: 'closed' });
        await expect(store.listEvents({}, { limit: 1, cursor: null })).rejects.toMatchObject({ code: 'closed' });
        await expect(store.prune('events', 1, 1)).rejects.toMatchObject({ code: 'closed' });
        await expect(store.findOldAudit(1, 1)).rejects.toMatchObject({ code: 'closed' });
        await expect(store.pruneAudit(1, 1)).rejects.toMatchObject({ code: 'closed' });
        await expect(store.pruneCredentials(null, 1, () => true)).rejects.toMatchObject({ code: 'closed' });
      });
    });
  });
}

function everyTable(): ReturnType<typeof changeSet> {
  return changeSet({
    sites: [rows.siteRow()],
    ledgers: [rows.ledgerRow()],
    slots: [rows.slotRow()],
    allowances: [rows.allowanceRow(), rows.allowanceRow({ siteId: 'site-b', slotIds: [] })],
    sessions: [rows.sessionRow(1, { credentialId: hexId(1), exitAuthorised: true })],
    arrivals: [rows.arrivalRow(1, { decision: null }), rows.arrivalRow(2)],
    reviews: [rows.reviewRow(1)],
    credentials: [rows.credentialRow(1)],
    vehicles: [rows.vehicleRow(1)],
    cursors: [rows.cursorRow()],
    retiredEpochs: [rows.retiredEpochRow()],
    edges: [rows.edgeRow()],
    events: [rows.eventRow(1, { flags: ['resent'] })],
    quarantine: [rows.quarantineRow(1)],
    notices: [rows.noticeRow(3), rows.noticeRow(4)],
    audit: [rows.auditRow(5), rows.auditRow(6)],
    keys: [rows.keyRow()],
    commands: [rows.commandRow(1)],
    idempotency: [rows.idempotencyRow()],
  });
}

/** The filter as a reader of its description would apply it, apart from any store's code. */
function passes(filter: SessionFilter, row: SessionRow): boolean {
  const exit = row.exitAtMs;
  const rules: boolean[] = [
    row.siteId === filter.siteId,
    filter.states === undefined || filter.states.includes(row.state),
    filter.credentialId === undefined || row.credentialId === filter.credentialId,
    filter.vehicleId === undefined || row.vehicleId === filter.vehicleId,
    filter.slotId === undefined || row.slotId === filter.slotId,
    filter.gateId === undefined || [row.entryGateId, row.exitGateId].includes(filter.gateId),
    filter.enteredFromMs === undefined || row.entryAtMs >= filter.enteredFromMs,
    filter.enteredBeforeMs === undefined || row.entryAtMs < filter.enteredBeforeMs,
    filter.exitedFromMs === undefined || (exit !== null && exit >= filter.exitedFromMs),
    filter.exitedBeforeMs === undefined || (exit !== null && exit < filter.exitedBeforeMs),
  ];
  return rules.every(Boolean);
}

async function readAll<T>(list: (page: PageRequest) => Promise<Page<T>>, limit: number): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await list({ limit, cursor });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

async function countAll<T>(list: (page: PageRequest) => Promise<Page<T>>, limit: number): Promise<number> {
  return (await readAll(list, limit)).length;
}
