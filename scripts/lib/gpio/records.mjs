/** Reads what the machine told. */
import assert from 'node:assert/strict';

/** @typedef {import('./machine.mjs').Run['records']} Records */

/** @param {Records} records @param {string} wanted */
export function only(records, wanted) {
  return records.find(({ what }) => what === wanted);
}

/** What came on and went off in a scenario, at its own gate. `start`: before the first, at any gate.
 * @param {Records} records
 * @param {string} wanted
 */
export function stepsOf(records, wanted) {
  let scenario = 'start';
  /** @type {unknown} */
  let at;
  return records.flatMap(({ what, name, gate, active }) => {
    if (what === 'scenario') {
      scenario = String(name);
      at = gate;
    }
    if (scenario !== wanted || (what !== 'input' && what !== 'output')) return [];
    if (at !== undefined && gate !== at) return [`${String(gate)}: ${String(name)} ${active === true ? 'on' : 'off'}`];
    return [`${String(name)} ${active === true ? 'on' : 'off'}`];
  });
}

/** @typedef {{ seq: number, hash: string, event: { kind: string, gateId?: string, fault?: string, arrival?: number, monoMs: number } }} OutboxEvent */

/** The events in the outbox, as the machine told them at this moment.
 * @param {Records} records
 * @param {string} wanted
 */
export function outboxEvents(records, wanted) {
  const found = records.filter(({ what, when }) => what === 'event' && when === wanted);
  return /** @type {OutboxEvent[]} */ (/** @type {unknown} */ (found));
}

export const ends = ['vehicle-passed', 'vehicle-backed-out', 'arrival-void', 'arrival-unresolved'];

/** Fails unless each arrival has one end, no more and no less. Answers how many there are.
 * @param {readonly OutboxEvent[]} events of one outbox, all of them
 */
export function endOnce(events) {
  const arrivals = events.filter(({ event }) => event.kind === 'vehicle-arrived');
  for (const { seq } of arrivals) {
    const found = events.filter(({ event }) => ends.includes(event.kind) && event.arrival === seq);
    assert.equal(found.length, 1, `arrival ${String(seq)}: ${found.map(({ event }) => event.kind).join(', ')}`);
  }
  return arrivals.length;
}

/** @param {Records} records @param {string} wanted @returns {Record<string, boolean>} */
export function levelsOf(records, wanted) {
  const found = records.find(({ what, when }) => what === 'levels' && when === wanted);
  assert.ok(found, `the machine told no levels: ${wanted}`);
  return /** @type {Record<string, boolean>} */ (found['levels']);
}

/** When the machine told this, in milliseconds of its own clock, and where in the order.
 * @param {Records} records
 * @param {(record: Records[number]) => boolean} isWanted
 */
export function told(records, isWanted) {
  const index = records.findIndex(isWanted);
  const record = records[index];
  assert.ok(record, 'the machine did not tell it');
  return { index, atMs: Number(record['atMs']) };
}
