/** Edge agents: registering, enrolling by a one-time code, revoking, releasing what a lost one held. */
import type { Random, Sha256 } from '@gatehouse/shared';
import { slotsOf } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import { equalDigests } from '../authenticator.js';
import type { Turn } from '../committer.js';
import type { EdgeRow } from '../ports.js';
import type { Actor } from './actor.js';

/** Without I, L, O and U, which are misread. */
const codeAlphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const codeChars = 16;

/** A one-time code of 80 random bits: `XXXX-XXXX-XXXX-XXXX`. */
export function newEnrolmentCode(random: Random): string {
  const bits = BigInt(`0x${random.hex(codeChars / 2 + 2)}`);
  let code = '';
  for (let index = 0; index < codeChars; index += 1) {
    code += `${index > 0 && index % 4 === 0 ? '-' : ''}${codeAlphabet[Number((bits >> BigInt(index * 5)) & 31n)] ?? ''}`;
  }
  return code;
}

/** The stored form of a code as a person typed it. */
export function enrolmentCodeHash(sha256: Sha256, code: string): string {
  return sha256(code.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1'));
}

export interface EdgeRef {
  readonly edgeId: string;
  readonly expiresAtMs: number;
}

/** @throws Refusal `edge-exists`, `site-unknown` */
export function registerEdge(
  turn: Turn,
  actor: Actor,
  request: {
    readonly edgeId: string;
    readonly siteId: string;
    readonly name: string;
    readonly codeHash: string;
    readonly codeLifetimeMs: number;
  },
): EdgeRef {
  const { edgeId, siteId, name, codeHash } = request;
  turn.site(siteId);
  if (turn.directory.edge(edgeId) !== undefined) {
    throw new Refusal('edge-exists', `edge "${edgeId}" is registered already`, 'edgeId');
  }
  const expiresAtMs = turn.nowMs + request.codeLifetimeMs;
  turn.put('edges', {
    edgeId,
    siteId,
    name,
    secretHash: null,
    enrolmentCodeHash: codeHash,
    enrolmentExpiresAtMs: expiresAtMs,
    registeredAtMs: turn.nowMs,
    enrolledAtMs: null,
    revokedAtMs: null,
  });
  turn.audit({ by: actor.label, action: 'edge.register', siteId, target: edgeId, reason: null, detail: {} });
  return { edgeId, expiresAtMs };
}

/** A new code for an edge that is registered; the credential it has stays good until the code is redeemed. */
export function renewEnrolmentCode(
  turn: Turn,
  actor: Actor,
  request: {
    readonly edgeId: string;
    readonly codeHash: string;
    readonly codeLifetimeMs: number;
    readonly reason: string;
  },
): EdgeRef {
  const edge = knownEdge(turn, request.edgeId);
  const expiresAtMs = turn.nowMs + request.codeLifetimeMs;
  turn.put('edges', { ...edge, enrolmentCodeHash: request.codeHash, enrolmentExpiresAtMs: expiresAtMs });
  auditEdge(turn, actor, 'edge.new-code', edge, request.reason);
  return { edgeId: edge.edgeId, expiresAtMs };
}

/** Redeems a code: the edge gets a new secret, and the code and any former secret are void. @throws Refusal `code-invalid` */
export function redeemEnrolmentCode(
  turn: Turn,
  request: { readonly codeHash: string; readonly secretHash: string },
): { siteId: string; edgeId: string } {
  const edge = findByCode(turn, request.codeHash);
  if (edge === undefined || edge.enrolmentExpiresAtMs === null || edge.enrolmentExpiresAtMs <= turn.nowMs) {
    throw new Refusal('code-invalid', 'the code is wrong, was used, or has expired', 'code');
  }
  turn.put('edges', {
    ...edge,
    secretHash: request.secretHash,
    enrolmentCodeHash: null,
    enrolmentExpiresAtMs: null,
    enrolledAtMs: turn.nowMs,
    revokedAtMs: null,
  });
  turn.audit({
    by: `edge ${edge.edgeId}`,
    action: 'edge.enrol',
    siteId: edge.siteId,
    target: edge.edgeId,
    reason: null,
    detail: {},
  });
  return { siteId: edge.siteId, edgeId: edge.edgeId };
}

function findByCode(turn: Turn, codeHash: string): EdgeRow | undefined {
  let found: EdgeRow | undefined;
  for (const edge of turn.directory.edges()) {
    if (edge.enrolmentCodeHash !== null && equalDigests(edge.enrolmentCodeHash, codeHash)) found = edge;
  }
  return found;
}

/** @throws Refusal `edge-unknown`, `edge-revoked` */
export function revokeEdge(
  turn: Turn,
  actor: Actor,
  request: { readonly edgeId: string; readonly reason: string },
): { edgeId: string } {
  const edge = knownEdge(turn, request.edgeId);
  if (edge.revokedAtMs !== null) throw new Refusal('edge-revoked', `edge "${edge.edgeId}" is revoked already`);
  turn.put('edges', {
    ...edge,
    secretHash: null,
    enrolmentCodeHash: null,
    enrolmentExpiresAtMs: null,
    revokedAtMs: turn.nowMs,
  });
  auditEdge(turn, actor, 'edge.revoke', edge, request.reason);
  return { edgeId: edge.edgeId };
}

/** @throws Refusal `edge-unknown`, `nothing-to-release` */
export function releaseHoldings(
  turn: Turn,
  actor: Actor,
  request: { readonly edgeId: string; readonly reason: string },
): { edgeId: string; releasedSlotIds: string[] } {
  const edge = knownEdge(turn, request.edgeId);
  const before = notFreeSlots(turn, edge.siteId);
  turn.apply(edge.siteId, {
    type: 'release-holdings',
    by: actor.label,
    reason: request.reason,
    edgeId: edge.edgeId,
  });
  const after = notFreeSlots(turn, edge.siteId);
  const releasedSlotIds = [...before].filter((slotId) => !after.has(slotId)).sort();
  turn.audit({
    by: actor.label,
    action: 'edge.release-holdings',
    siteId: edge.siteId,
    target: edge.edgeId,
    reason: request.reason,
    detail: { releasedSlots: releasedSlotIds.length },
  });
  return { edgeId: edge.edgeId, releasedSlotIds };
}

function notFreeSlots(turn: Turn, siteId: string): Set<string> {
  const slots = new Set<string>();
  for (const slot of slotsOf(turn.site(siteId))) {
    if (slot.state === 'held' || slot.state === 'reserved') slots.add(slot.slotId);
  }
  return slots;
}

function auditEdge(turn: Turn, actor: Actor, action: string, edge: EdgeRow, reason: string): void {
  turn.audit({ by: actor.label, action, siteId: edge.siteId, target: edge.edgeId, reason, detail: {} });
}

function knownEdge(turn: Turn, edgeId: string): EdgeRow {
  const edge = turn.directory.edge(edgeId);
  if (edge === undefined) throw new Refusal('edge-unknown', `no edge "${edgeId}"`, 'edgeId');
  return edge;
}
