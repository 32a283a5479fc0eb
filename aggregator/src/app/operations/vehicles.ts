/** The register of vehicles. */
import type { SlotClass } from '@gatehouse/shared';
import { sessionsInside } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import type { Permit, VehicleRow } from '../../domain/rows.js';
import type { Turn } from '../committer.js';
import type { Actor } from './actor.js';
import { credentialFor, recordCredential } from './credentials.js';
import type { TypedCredential } from './credentials.js';

export interface VehicleRef {
  readonly vehicleId: string;
}

/** @throws Refusal `vehicle-exists`, `site-unknown` */
export function createVehicle(
  turn: Turn,
  actor: Actor,
  request: {
    readonly typed: TypedCredential;
    readonly slotClass: SlotClass;
    readonly holder: string | null;
    readonly note: string | null;
    readonly permits: readonly Permit[];
  },
): VehicleRef {
  checkPermits(turn, request.permits);
  const credential = freeCredential(turn, request.typed, null);
  const vehicle: VehicleRow = {
    vehicleId: turn.newId(),
    credentialId: credential.credentialId,
    slotClass: request.slotClass,
    holder: request.holder,
    note: request.note,
    blockedReason: null,
    permits: [...request.permits],
    createdAtMs: turn.nowMs,
    updatedAtMs: turn.nowMs,
  };
  return stored(turn, actor, vehicle, 'vehicle.create', { credentialId: vehicle.credentialId });
}

/** @throws Refusal `vehicle-unknown`, `vehicle-exists` */
export function updateVehicle(
  turn: Turn,
  actor: Actor,
  request: VehicleRef & {
    readonly typed: TypedCredential | undefined;
    readonly slotClass: SlotClass | undefined;
    readonly holder: string | null | undefined;
    readonly note: string | null | undefined;
  },
): VehicleRef {
  const before = knownVehicle(turn, request.vehicleId);
  const credentialId =
    request.typed === undefined
      ? before.credentialId
      : freeCredential(turn, request.typed, before.vehicleId).credentialId;
  const vehicle: VehicleRow = {
    ...before,
    credentialId,
    slotClass: request.slotClass ?? before.slotClass,
    holder: request.holder === undefined ? before.holder : request.holder,
    note: request.note === undefined ? before.note : request.note,
    updatedAtMs: turn.nowMs,
  };
  const changed = (['credentialId', 'slotClass', 'holder', 'note'] as const).filter(
    (member) => vehicle[member] !== before[member],
  );
  return stored(turn, actor, vehicle, 'vehicle.update', { changed, credentialId });
}

/** @throws Refusal `vehicle-unknown`, `site-unknown` */
export function setPermits(
  turn: Turn,
  actor: Actor,
  request: VehicleRef & { readonly permits: readonly Permit[] },
): VehicleRef {
  checkPermits(turn, request.permits);
  const before = knownVehicle(turn, request.vehicleId);
  const vehicle = { ...before, permits: [...request.permits], updatedAtMs: turn.nowMs };
  return stored(turn, actor, vehicle, 'vehicle.set-permits', {
    before: before.permits.length,
    after: request.permits.length,
  });
}

/** @throws Refusal `vehicle-unknown` */
export function blockVehicle(
  turn: Turn,
  actor: Actor,
  request: VehicleRef & { readonly blocked: boolean; readonly reason: string },
): VehicleRef {
  const before = knownVehicle(turn, request.vehicleId);
  const vehicle = { ...before, blockedReason: request.blocked ? request.reason : null, updatedAtMs: turn.nowMs };
  return stored(turn, actor, vehicle, request.blocked ? 'vehicle.block' : 'vehicle.unblock', {}, request.reason);
}

export interface OpenSession {
  readonly siteId: string;
  readonly sessionId: string;
  readonly slotId: string | null;
}

/**
 * Deletes the record. The car stays where it is: its open sessions go on, unlinked, and are named in the answer.
 * @throws Refusal `vehicle-unknown`
 */
export function deleteVehicle(
  turn: Turn,
  actor: Actor,
  request: VehicleRef & { readonly siteIds: readonly string[] },
): VehicleRef & { readonly openSessions: readonly OpenSession[] } {
  const { vehicleId } = knownVehicle(turn, request.vehicleId);
  const openSessions = request.siteIds.flatMap((siteId) => openSessionsOf(turn, siteId, vehicleId));
  const reason = 'the vehicle’s record was deleted';
  for (const siteId of new Set(openSessions.map((session) => session.siteId))) {
    turn.apply(siteId, { type: 'unlink-vehicle', by: actor.label, reason, vehicleId });
  }
  turn.put('removedVehicles', vehicleId);
  turn.audit({
    by: actor.label,
    action: 'vehicle.delete',
    siteId: null,
    target: vehicleId,
    reason: null,
    detail: { openSessions: openSessions.map((session) => session.sessionId) },
  });
  return { vehicleId, openSessions };
}

function openSessionsOf(turn: Turn, siteId: string, vehicleId: string): OpenSession[] {
  const found: OpenSession[] = [];
  for (const session of sessionsInside(turn.site(siteId))) {
    if (session.vehicleId === vehicleId) {
      found.push({ siteId, sessionId: session.sessionId, slotId: session.slotId });
    }
  }
  return found;
}

function stored(
  turn: Turn,
  actor: Actor,
  vehicle: VehicleRow,
  action: string,
  detail: Readonly<Record<string, unknown>>,
  reason: string | null = null,
): VehicleRef {
  turn.put('vehicles', vehicle);
  turn.audit({ by: actor.label, action, siteId: null, target: vehicle.vehicleId, reason, detail });
  return { vehicleId: vehicle.vehicleId };
}

function knownVehicle(turn: Turn, vehicleId: string): VehicleRow {
  const vehicle = turn.directory.vehicle(vehicleId);
  if (vehicle === undefined) throw new Refusal('vehicle-unknown', `no vehicle ${vehicleId}`, 'vehicleId');
  return vehicle;
}

/** The credential, if no other vehicle is registered under it. */
function freeCredential(turn: Turn, typed: TypedCredential, ownVehicleId: string | null) {
  const known = turn.directory.credentialByText(typed);
  const taken = known === undefined ? undefined : turn.directory.vehicleByCredential(known.credentialId);
  if (taken !== undefined && taken.vehicleId !== ownVehicleId) {
    throw new Refusal('vehicle-exists', `vehicle ${taken.vehicleId} is registered under it`, 'credential');
  }
  const credential = known ?? credentialFor(turn, typed);
  recordCredential(turn, credential);
  return credential;
}

function checkPermits(turn: Turn, permits: readonly Permit[]): void {
  for (const permit of permits) turn.site(permit.siteId);
}
