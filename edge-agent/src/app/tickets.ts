/** Tickets that a gate issues by itself: a press of the button is a credential like any other from then on. */
import type { Credential, Random } from '@gatehouse/shared/edge';
import { ticketSource } from '../domain/lane/reads.js';
import { isServed } from '../domain/lane/state.js';
import type { LaneState } from '../domain/lane/state.js';
import type { GateSettings } from './settings.js';

/** Without those that a person takes for another: 32 of them are five bits. */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 40 bits: no two of a site’s open tickets are the same, whichever gate issued them and without asking, and none can be guessed. */
const ticketChars = 8;

/** Somebody stands there who has shown nothing and was not announced yet. */
export function wantsTicket({ vehicle }: LaneState, { lane, direction, hasReader }: GateSettings): boolean {
  if (!lane.issuesTickets || vehicle?.arrival !== null || vehicle.votes.length > 0) return false;
  return !vehicle.counted && !vehicle.unknown && isServed({ ...lane, direction, hasReader }, vehicle.from);
}

export function issueTicket(random: Random): Credential {
  const value = Array.from({ length: ticketChars }, () => digits[Math.floor(random.next() * digits.length)] ?? '0');
  return { kind: 'ticket', value: value.join(''), source: ticketSource, confidence: 1 };
}
