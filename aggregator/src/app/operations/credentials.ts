/** From what a person typed to a credential with an id, and back. */
import { normaliseCredential } from '@gatehouse/shared';
import type { CredentialKind, CredentialRequest } from '@gatehouse/shared';
import type { KnownCredential } from '../../domain/inputs.js';
import type { CredentialRow, VehicleRow, VehicleView } from '../../domain/rows.js';
import { Refusal } from '../../domain/refusal.js';
import type { Turn } from '../committer.js';
import type { Directory } from '../directory.js';
import type { AggregatorStore } from '../ports.js';
import type { Actor } from './actor.js';

/** A credential as typed, normalised, and its row if the store has one. */
export interface CredentialLookup {
  readonly kind: CredentialKind;
  readonly value: string;
  readonly stored: KnownCredential | undefined;
}

/** Looks a typed credential up, in memory first. Done before a turn, since the store is not asked during one. */
export async function lookUpCredential(
  sources: { readonly directory: Directory; readonly store: AggregatorStore },
  request: CredentialRequest,
): Promise<CredentialLookup> {
  const wanted = { kind: request.kind, value: normaliseCredential(request.kind, request.value) };
  const known = sources.directory.credentialByText(wanted);
  if (known !== undefined) return { ...wanted, stored: known };
  const [row] = await sources.store.findCredentials([wanted]);
  return { ...wanted, stored: row };
}

/** The credential with its id; a new one is stored in this turn. */
export function resolveCredential(turn: Turn, lookup: CredentialLookup): KnownCredential {
  const known = turn.directory.credentialByText(lookup) ?? lookup.stored;
  if (known !== undefined) return known;
  const created: CredentialRow = { credentialId: turn.newId(), kind: lookup.kind, value: lookup.value };
  turn.put('credentials', created);
  return created;
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
  request: { readonly vehicleId?: string | undefined; readonly lookup: CredentialLookup | undefined },
): Identity {
  if (request.vehicleId !== undefined) {
    const vehicle = turn.directory.vehicle(request.vehicleId);
    if (vehicle === undefined) throw new Refusal('vehicle-unknown', 'no such vehicle', 'vehicleId');
    return { vehicle, credential: turn.directory.credential(vehicle.credentialId) ?? null };
  }
  if (request.lookup === undefined) return { credential: null, vehicle: null };
  const credential = resolveCredential(turn, request.lookup);
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
