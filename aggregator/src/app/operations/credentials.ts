/** From what a person typed to a credential with an id, and back. */
import { normaliseCredential } from '@gatehouse/shared';
import type { Credential, CredentialRequest } from '@gatehouse/shared';
import type { KnownCredential } from '../../domain/inputs.js';
import type { VehicleRow, VehicleView } from '../../domain/rows.js';
import { Refusal } from '../../domain/refusal.js';
import type { Turn, WorkNeeds } from '../committer.js';
import type { Directory } from '../directory.js';
import type { AggregatorStore } from '../ports.js';
import type { Actor } from './actor.js';

/** A credential as typed, normalised. A turn that resolves it must have it among its needs. */
export type TypedCredential = Pick<Credential, 'kind' | 'value'>;

export function typedCredential(request: CredentialRequest): TypedCredential {
  return { kind: request.kind, value: normaliseCredential(request.kind, request.value) };
}

/** Looks it up, in memory first; undefined when it was never seen, or is gone. For reads: a turn has it among its needs. */
export async function findCredential(
  sources: { readonly directory: Directory; readonly store: AggregatorStore },
  typed: TypedCredential,
): Promise<KnownCredential | undefined> {
  const known = sources.directory.credentialByText(typed);
  if (known !== undefined) return known;
  const [row] = await sources.store.findCredentials([typed]);
  return row;
}

/** What must be read before a turn that resolves what was typed. */
export function needsOf(typed: TypedCredential | null | undefined): WorkNeeds {
  return typed == null ? {} : { credentials: [typed] };
}

/** The credential with its id; a new one is not recorded before `recordCredential`, so that the turn may still refuse. */
export function credentialFor(turn: Turn, typed: TypedCredential): KnownCredential {
  const known = turn.directory.credentialByText(typed);
  return known ?? { credentialId: turn.newId(), kind: typed.kind, value: typed.value };
}

/** Stores the credential with this turn, if it is new. */
export function recordCredential(turn: Turn, credential: KnownCredential | null | undefined): void {
  if (credential == null || turn.directory.credential(credential.credentialId) !== undefined) return;
  turn.put('credentials', credential);
}

/** The texts of credentials, from memory and for the rest from the store; erased ones are missing. */
export async function credentialTexts(
  sources: { readonly directory: Directory; readonly store: AggregatorStore },
  credentialIds: Iterable<string>,
): Promise<Map<string, KnownCredential>> {
  const texts = new Map<string, KnownCredential>();
  const missing: string[] = [];
  for (const credentialId of new Set(credentialIds)) {
    const known = sources.directory.credential(credentialId);
    if (known === undefined) missing.push(credentialId);
    else texts.set(credentialId, known);
  }
  if (missing.length === 0) return texts;
  for (const row of await sources.store.getCredentials(missing)) texts.set(row.credentialId, row);
  return texts;
}

export function vehicleViewOf(vehicle: VehicleRow): VehicleView {
  return {
    vehicleId: vehicle.vehicleId,
    slotClass: vehicle.slotClass,
    blocked: vehicle.blockedReason !== null,
    permits: vehicle.permits,
  };
}

/** The identity a request names: a registered vehicle, or a credential that may belong to one, or nobody. */
export interface Identity {
  readonly credential: KnownCredential | null;
  readonly vehicle: VehicleRow | null;
}

/** @throws Refusal `vehicle-unknown` */
export function resolveIdentity(
  turn: Turn,
  request: { readonly vehicleId?: string | undefined; readonly typed: TypedCredential | undefined },
): Identity {
  if (request.vehicleId !== undefined) {
    const vehicle = turn.directory.vehicle(request.vehicleId);
    if (vehicle === undefined) throw new Refusal('vehicle-unknown', 'no such vehicle', 'vehicleId');
    return { vehicle, credential: turn.directory.credential(vehicle.credentialId) ?? null };
  }
  if (request.typed === undefined) return { credential: null, vehicle: null };
  const credential = credentialFor(turn, request.typed);
  return { credential, vehicle: turn.directory.vehicleByCredential(credential.credentialId) ?? null };
}

/**
 * Erases the text of a credential. A vehicle that is registered under it must be deleted or given another one first.
 * @throws Refusal `vehicle-exists`
 */
export function eraseCredential(
  turn: Turn,
  actor: Actor,
  siteIds: readonly string[],
  request: { readonly credentialId: string; readonly reason: string },
): void {
  const { credentialId, reason } = request;
  if (turn.directory.vehicleByCredential(credentialId) !== undefined) {
    throw new Refusal('vehicle-exists', 'a registered vehicle has this credential', 'credentialId');
  }
  for (const siteId of siteIds) {
    turn.apply(siteId, { type: 'erase-credential', by: actor.label, reason, credentialId });
  }
  turn.put('erasedCredentials', credentialId);
  turn.audit({
    by: actor.label,
    action: 'credential.erase',
    siteId: null,
    target: credentialId,
    reason,
    detail: {},
  });
}
