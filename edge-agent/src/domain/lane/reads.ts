/** Reads of credentials: which belong together, and what several of one vehicle say. */
import { plateDistance } from '@gatehouse/shared/edge';
import type { Credential, Direction } from '@gatehouse/shared/edge';
import { maxReads, maxTracks } from './state.js';
import type { Read } from './state.js';

/** Source of the tickets that a press of the button issues. */
export const ticketSource = 'ticket-button';

/**
 * Whether two reads may well be of one vehicle: plates that readers confuse, or of which one lost a character. Plates that merely
 * follow one another, as those of a fleet do, are two vehicles.
 */
export function isSimilar(one: Credential, other: Credential): boolean {
  if (one.kind !== other.kind) return false;
  if (one.kind !== 'plate') return one.value === other.value;
  const a = [...one.value];
  const b = [...other.value];
  if (a.length !== b.length) return Math.abs(a.length - b.length) === 1 && isOneCharLonger(a, b);
  return plateDistance(one.value, other.value) !== undefined;
}

function isOneCharLonger(a: readonly string[], b: readonly string[]): boolean {
  const [long, short] = a.length > b.length ? [a, b] : [b, a];
  const at = short.findIndex((char, index) => char !== long[index]);
  if (at === -1) return true;
  return short.slice(at).every((char, index) => char === long[at + 1 + index]);
}

/** Complete and sure enough to need no further reads. Tags and tickets are always exact. */
export function isSure(credential: Credential, sureConfidence: number): boolean {
  if (credential.kind !== 'plate') return true;
  return !credential.value.includes('?') && credential.confidence >= sureConfidence;
}

/** Whether a read can be of a vehicle that goes this way. */
export function isOfWay(read: Read, direction: Direction): boolean {
  return read.direction === undefined || read.direction === direction;
}

export function isOfTrack(read: Read, trackIds: readonly string[]): boolean {
  return read.trackId !== undefined && trackIds.includes(read.trackId);
}

/** The votes with one more. What a reader says of a vehicle that it follows takes the place of what it said before, and is as old. */
export function withVote(votes: readonly Read[], read: Read): readonly Read[] {
  const earlier = votes.find((vote) => isOfTrack(read, trackIdsOf([vote])));
  if (earlier === undefined) return [...votes, read].slice(-maxReads);
  return votes.map((vote) => (vote === earlier ? { ...read, readAtMs: earlier.readAtMs } : vote));
}

/** The reads that wait for a vehicle, with one more: only the latest plate before the loop can belong to the vehicle that comes. */
export function withWaiting(reads: readonly Read[], read: Read): readonly Read[] {
  const kept = reads.filter((other) => {
    if (isOfTrack(read, trackIdsOf([other]))) return false;
    const isOfOtherWay = read.direction !== undefined && !isOfWay(other, read.direction);
    return isOfOtherWay || isSimilar(other.credential, read.credential);
  });
  return [...kept, read].slice(-maxReads);
}

/** What readers call the vehicle of these reads; the latest, when there are too many. */
export function trackIdsOf(reads: readonly Read[], known: readonly string[] = []): readonly string[] {
  const trackIds = reads.flatMap(({ trackId }) => (trackId === undefined ? [] : [trackId]));
  return [...new Set([...known, ...trackIds])].slice(-maxTracks);
}

/**
 * What several reads of one vehicle say together: a tag before a ticket before a plate; among plates each read votes with its
 * confidence, first for the length, then for each character. `?` has no vote, and stays where nobody could read more.
 */
export function vote(reads: readonly Read[]): Credential | null {
  for (const kind of ['tag', 'ticket'] as const) {
    const exact = strongest(reads.map((read) => read.credential).filter((credential) => credential.kind === kind));
    if (exact !== undefined) return exact;
  }
  const plates = reads.map((read) => read.credential).filter((credential) => credential.kind === 'plate');
  const first = strongest(plates);
  if (first === undefined || plates.length === 1) return first ?? null;
  return votePlate(plates, first);
}

function votePlate(plates: readonly Credential[], strongestPlate: Credential): Credential {
  const lengths = new Tally<number>();
  for (const plate of plates) lengths.add([...plate.value].length, plate.confidence);
  const length = lengths.winner() ?? [...strongestPlate.value].length;
  const voters = plates.filter((plate) => [...plate.value].length === length);
  let value = '';
  for (let index = 0; index < length; index += 1) {
    const chars = new Tally<string>();
    for (const plate of voters) {
      const char = [...plate.value][index];
      if (char !== undefined && char !== '?') chars.add(char, plate.confidence);
    }
    value += chars.winner() ?? '?';
  }
  const exact = strongest(voters.filter((plate) => plate.value === value));
  if (exact !== undefined) return exact;
  const confidence = voters.reduce((sum, plate) => sum + plate.confidence, 0) / voters.length;
  return { ...(strongest(voters) ?? strongestPlate), value, confidence };
}

/** The surest; the earliest of equals. */
function strongest(credentials: readonly Credential[]): Credential | undefined {
  return credentials.reduce<Credential | undefined>(
    (best, credential) => (best === undefined || credential.confidence > best.confidence ? credential : best),
    undefined,
  );
}

/** Adds up weights; the earliest of equals wins. */
class Tally<T> {
  readonly #weights = new Map<T, number>();

  add(choice: T, weight: number): void {
    this.#weights.set(choice, (this.#weights.get(choice) ?? 0) + weight);
  }

  winner(): T | undefined {
    let best: T | undefined;
    let bestWeight = -1;
    for (const [choice, weight] of this.#weights) {
      if (weight > bestWeight) [best, bestWeight] = [choice, weight];
    }
    return best;
  }
}
