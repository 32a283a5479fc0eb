/** Reads what the machine told. */

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

/** @typedef {{ seq: number, hash: string, event: { kind: string, gateId?: string, fault?: string, monoMs: number } }} OutboxEvent */

/** The events in the outbox, as the machine told them at this moment.
 * @param {Records} records
 * @param {string} wanted
 */
export function outboxEvents(records, wanted) {
  const found = records.filter(({ what, when }) => what === 'event' && when === wanted);
  return /** @type {OutboxEvent[]} */ (/** @type {unknown} */ (found));
}
