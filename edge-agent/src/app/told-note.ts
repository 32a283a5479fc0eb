/** The highest seq that was acknowledged in an epoch, kept for when the aggregator asks for less than that again. */
import type { OutboxSnapshot } from './ports.js';

const name = 'told';

export function toldNote(epoch: string, told: number): ReadonlyMap<string, string> {
  return new Map([[name, `${epoch}:${String(told)}`]]);
}

/** A note of another epoch says nothing of this one. */
export function toldOf({ acked, epoch, notes }: OutboxSnapshot): number {
  const [of, told] = notes.get(name)?.split(':') ?? [];
  return of === epoch && told !== undefined && /^\d{1,16}$/.test(told) ? Math.max(acked, Number(told)) : acked;
}
