/** The aggregator's half of the allowance in a few lines: one edge, its slots, and the rules by which they come and go. */
import type { Allowance, EdgeEvent, SlotRef } from '@gatehouse/shared';
import type { OutboxEvent } from '../../../src/index.js';

type SlotState = 'free' | 'held' | 'taken' | 'frozen' | 'other';

interface Row {
  version: number;
  asOf: number;
  slotIds: Set<string>;
  settled: boolean;
}

interface Memory {
  epoch: string;
  cursor: number;
  slots: Map<string, SlotState>;
  row: Row;
  /** Origins applied under earlier epochs: how far each of them came. */
  applied: Map<string, number>;
}

const newRow = (): Row => ({ version: 0, asOf: 0, slotIds: new Set(), settled: true });

export class ModelAggregator {
  #memory: Memory;
  #backup: Memory;
  /** Restored from a backup: nothing is given to anybody until the edge has said what it holds. */
  recovering = false;
  readonly problems: string[] = [];
  /** Versions are above this, as they would be above the time of the last restore. */
  #above = 0;

  constructor(epoch: string, slotIds: readonly string[]) {
    const slots = new Map<string, SlotState>(slotIds.map((slotId) => [slotId, 'free']));
    this.#memory = { epoch, cursor: 0, slots, row: newRow(), applied: new Map() };
    this.#backup = structuredClone(this.#memory);
  }

  get free(): Set<string> {
    return this.recovering ? new Set() : new Set(this.#withState('free'));
  }

  /** Gives a free slot to a vehicle of some other gate, or takes it back. */
  toggleOther(choice: number): void {
    const { slots } = this.#memory;
    const mine = this.recovering ? this.#withState('other') : [...this.#withState('free'), ...this.#withState('other')];
    const slotId = mine[choice % Math.max(1, mine.length)];
    if (slotId !== undefined) slots.set(slotId, slots.get(slotId) === 'other' ? 'free' : 'other');
  }

  backUp(): void {
    this.#backup = structuredClone(this.#memory);
  }

  restore(): void {
    const others = new Set(this.#withState('other'));
    this.#memory = structuredClone(this.#backup);
    for (const slotId of this.#memory.slots.keys()) {
      if (others.has(slotId)) this.#memory.slots.set(slotId, 'other');
    }
    this.recovering = true;
    // Nothing that is said of a set made before is an answer to this store.
    this.#memory.row.settled = true;
    // Above whatever was sent since the backup: no version may mean two sets.
    this.#above += 1_000;
  }

  /** A new set of these slots, so far as they can be had; the old one sent again if it is not settled and `supersede` is not set. */
  set(wished: ReadonlySet<string>, supersede: boolean, reported: number): Allowance[] {
    const { row } = this.#memory;
    if (row.settled || supersede || (this.recovering && row.version <= reported)) this.#make(wished, reported);
    return this.#messages();
  }

  /** Applies what the outbox holds, at most `count` events further. */
  apply(epoch: string, events: readonly OutboxEvent[], count: number): void {
    if (epoch !== this.#memory.epoch) this.#replaceEpoch(epoch);
    for (const { seq, json } of events) {
      if (seq <= this.#memory.cursor || seq > this.#memory.cursor + 1 || count <= 0) continue;
      this.#memory.cursor = seq;
      count -= 1;
      this.#applyOne(JSON.parse(json) as EdgeEvent);
    }
  }

  isCurrent(epoch: string, next: number): boolean {
    return this.#memory.epoch === epoch && this.#memory.cursor === next - 1;
  }

  /** The last set was made for this version and is accepted. */
  isSettled(version: number): boolean {
    const { row } = this.#memory;
    return row.settled && row.version === version && version > 0 && !this.recovering;
  }

  setAside(): string[] {
    return this.#withState('held').sort();
  }

  #make(wished: ReadonlySet<string>, reported: number): void {
    const { slots, cursor, row } = this.#memory;
    const slotIds = new Set<string>();
    for (const slotId of this.recovering ? [] : wished) {
      const isMine = slots.get(slotId) === 'held' && row.slotIds.has(slotId);
      if (!isMine && slots.get(slotId) !== 'free') continue;
      slots.set(slotId, 'held');
      slotIds.add(slotId);
    }
    const version = Math.max(row.version, reported, this.#above) + 1;
    this.#memory.row = { version, asOf: cursor, slotIds, settled: false };
  }

  #messages(): Allowance[] {
    const { epoch, row } = this.#memory;
    if (row.version === 0) return [];
    const slots: SlotRef[] = [...row.slotIds].map((slotId) => ({
      slotId,
      zoneId: 'zone',
      label: slotId,
      slotClass: 'standard',
    }));
    const version = row.version % 3;
    const pages = 1 + version;
    return Array.from({ length: pages }, (_unused, index) => ({
      ...{ epoch, version: row.version, asOf: row.asOf, slots },
      access: { version, page: index + 1, pages, unlisted: 'admit' as const, entries: [] },
    }));
  }

  #applyOne(event: EdgeEvent): void {
    const { slots, row } = this.#memory;
    const { origin } = event;
    if (origin !== undefined && origin.seq <= (this.#memory.applied.get(origin.epoch) ?? 0)) return;
    if (event.kind === 'vehicle-admitted' && event.slotId !== null) {
      const state = slots.get(event.slotId) ?? 'other';
      const mayBe = this.recovering ? ['held', 'free'] : ['held'];
      if (origin === undefined && !mayBe.includes(state)) {
        this.problems.push(`${event.slotId} was ${state} when it was given out`);
      }
      slots.set(event.slotId, origin === undefined ? 'taken' : 'frozen');
      row.slotIds.delete(event.slotId);
    }
    if (event.kind === 'vehicle-backed-out' && event.slotId !== null && slots.get(event.slotId) === 'taken') {
      slots.set(event.slotId, 'free');
    }
    if (event.kind === 'allowance-accepted' && origin === undefined) this.#accepted(event);
  }

  #accepted({ version, returned, remaining }: Extract<EdgeEvent, { kind: 'allowance-accepted' }>): void {
    const { slots, row } = this.#memory;
    for (const slotId of returned) {
      if (slots.get(slotId) === 'held') slots.set(slotId, 'free');
      row.slotIds.delete(slotId);
    }
    if (version !== row.version || row.settled) return;
    if (remaining > 0) {
      this.#make(row.slotIds, row.version);
      return;
    }
    for (const slotId of this.#withState('held')) if (!row.slotIds.has(slotId)) slots.set(slotId, 'free');
    row.settled = true;
    this.recovering = false;
  }

  #replaceEpoch(epoch: string): void {
    const { slots, applied, cursor } = this.#memory;
    for (const slotId of this.#withState('held')) slots.set(slotId, 'frozen');
    applied.set(this.#memory.epoch, cursor);
    Object.assign(this.#memory, { epoch, cursor: 0, row: newRow() });
  }

  #withState(wanted: SlotState): string[] {
    return [...this.#memory.slots].filter(([, state]) => state === wanted).map(([slotId]) => slotId);
  }
}
