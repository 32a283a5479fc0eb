/**
 * Opens the store in the directory it is given and commits without end: change n is session n, event n, the slot it is in and a
 * ledger that counts n. Prints `open` when it is, then each n once its commit resolved.
 */
import { silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createSqliteStore } from '../../src/adapters/store/sqlite/index.js';
import { changeSet, eventRow, hexId, ledgerRow, sessionRow, slotRow } from '../conformance/rows.js';

const [directory = '', from = '1'] = process.argv.slice(2);
const store = createSqliteStore({ directory, logger: silentLogger, clock: systemClock });
await store.open();
process.stdout.write('open\n');
for (let n = Number(from); ; n += 1) {
  await store.commit(
    changeSet({
      sessions: [sessionRow(n)],
      events: [eventRow(n, { body: 'x'.repeat(2000) })],
      slots: [slotRow({ state: 'occupied', sessionId: hexId(n) })],
      ledgers: [ledgerRow({ count: n })],
    }),
  );
  process.stdout.write(`${String(n)}\n`);
}
