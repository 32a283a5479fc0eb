/** Names that mean something to the aggregator: those it was set up with, and ids it has answered with. */
import type { Dice } from './dice.js';

/** Sites and edges that may be changed in any way. */
export const lots = ['lot-1', 'lot-2', 'lot-3'] as const;
export const lotEdges = ['lot-1-edge-1', 'lot-2-edge-9', 'lot-3-edge-9'] as const;

export interface Pool {
  /** Takes ids out of an answer; what is about a site that may not be changed is left out. */
  learn(operationId: string, answer: unknown): void;
  /** A value for a member or parameter of this name, or undefined. */
  valueFor(name: string, operationId: string, dice: Dice): unknown;
}

const learned = new Set([
  'sessionId',
  'vehicleId',
  'credentialId',
  'reviewId',
  'keyId',
  'quarantineId',
  'arrivalId',
  'commandId',
  'slotId',
  'zoneId',
  'gateId',
  'enrolmentCode',
]);
const keptPerName = 200;
const plates = Array.from({ length: 60 }, (_, index) => `LOT${String(index)}X`);
const zones = ['z', 'z2', 'north'];

/** @param protectedIds are never offered */
export function createPool(protectedIds: ReadonlySet<string>): Pool {
  const known = new Map<string, string[]>();
  const keep = (name: string, value: string): void => {
    if (protectedIds.has(value)) return;
    const values = known.get(name) ?? [];
    if (values.includes(value)) return;
    values.push(value);
    if (values.length > keptPerName) values.shift();
    known.set(name, values);
  };
  const visit = (value: unknown, operationId: string, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 6) return;
    const { siteId } = value as { siteId?: unknown };
    if (typeof siteId === 'string' && !(lots as readonly string[]).includes(siteId)) return;
    for (const [name, member] of Object.entries(value)) {
      if (typeof member !== 'string') visit(member, operationId, depth + 1);
      else if (learned.has(name)) keep(name, member);
      else if (name === 'nextCursor') keep(`cursor ${operationId}`, member);
    }
  };

  return {
    learn(operationId, answer) {
      visit(answer, operationId, 0);
    },
    valueFor(name, operationId, dice) {
      switch (name) {
        case 'siteId':
        case 'permitSiteId':
          return dice.oneOf(lots);
        case 'edgeId':
          return dice.oneOf(lotEdges);
        case 'credential':
        case 'credentialKind':
          return undefined;
        case 'value':
          return dice.happens(0.8) ? dice.oneOf(plates) : undefined;
        case 'zoneId':
          return dice.oneOf(zones);
        case 'nearestZones':
          return dice.happens(0.5) ? [dice.oneOf(zones)] : [];
        case 'count':
          // Each vehicle more is a session more: enough to have some, not so many that lists have no end.
          return dice.happens(0.9) ? dice.below(60) : undefined;
        case 'code':
          return operationId === 'explainProblem'
            ? dice.oneOf(['slot-not-free', 'not-found', 'internal-error', '__proto__', 'constructor'])
            : dice.oneOf(known.get('enrolmentCode') ?? ['none']);
        case 'timeZone':
          return dice.oneOf(['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Nowhere/Land']);
        case 'cursor': {
          const lists = [...known.keys()].filter((key) => key.startsWith('cursor '));
          if (lists.length === 0) return undefined;
          // Of this list, or of another one.
          const own = known.get(`cursor ${operationId}`);
          return dice.oneOf(own !== undefined && dice.happens(0.7) ? own : (known.get(dice.oneOf(lists)) ?? ['x']));
        }
        default: {
          const values = known.get(name === 'duplicateSessionId' ? 'sessionId' : name);
          return values === undefined || dice.happens(0.1) ? undefined : dice.oneOf(values);
        }
      }
    },
  };
}
