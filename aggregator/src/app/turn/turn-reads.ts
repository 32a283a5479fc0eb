/** Reads what a group of works needs from the store, all at once, before its turn. */
import type { Credential } from '@gatehouse/shared';
import { arrivalKey } from '../../domain/rows.js';
import type { AggregatorStore } from '../ports.js';
import { credentialKey } from './memory-directory.js';
import type { MemoryDirectory } from './memory-directory.js';
import type { TurnReads, Work } from './work.js';

/** Does not wait when everything is in memory already. */
export async function readFor(
  group: readonly Work[],
  directory: MemoryDirectory,
  store: AggregatorStore,
): Promise<TurnReads> {
  const texts = new Map<string, Pick<Credential, 'kind' | 'value'>>();
  const ids = new Set<string>();
  const events = new Map<string, { epoch: string; seq: number }[]>();
  for (const { needs } of group) {
    for (const wanted of needs.credentials ?? []) {
      if (directory.credentialByText(wanted) === undefined) texts.set(credentialKey(wanted), wanted);
    }
    for (const id of needs.credentialIds ?? []) {
      if (directory.credential(id) === undefined) ids.add(id);
    }
    if (needs.events !== undefined && needs.events.wanted.length > 0) {
      events.set(needs.events.edgeId, [...(events.get(needs.events.edgeId) ?? []), ...needs.events.wanted]);
    }
  }
  if (texts.size > 0) {
    const wanted = [...texts.values()].map(({ kind, value }) => ({ kind, value }));
    for (const row of await store.findCredentials(wanted)) directory.remember(row);
  }
  if (ids.size > 0) for (const row of await store.getCredentials([...ids])) directory.remember(row);
  const hashes = new Map<string, Set<string>>();
  const note = (edgeId: string, epoch: string, seq: number, hash: string): void => {
    // Nobody asks where events of an edge stood that sends none again.
    if (!events.has(edgeId)) return;
    const key = arrivalKey({ edgeId, epoch, seq });
    const there = hashes.get(key);
    if (there === undefined) hashes.set(key, new Set([hash]));
    else there.add(hash);
  };
  for (const [edgeId, wanted] of events) {
    for (const { epoch, seq, hash } of await store.findEvents(edgeId, wanted)) note(edgeId, epoch, seq, hash);
  }
  return {
    eventHashes: (edgeId, epoch, seq) => hashes.get(arrivalKey({ edgeId, epoch, seq })) ?? none,
    noteEvent: note,
  };
}

const none: ReadonlySet<string> = new Set();
