/**
 * The one catalogue of what can be wrong at a gate or an edge. Edges raise and clear these; events, state, API, metrics,
 * alerts and runbook use the same names.
 */
import { z } from 'zod';

export interface FaultDescription {
  /** Where it is raised: at one gate, or at the whole edge. */
  readonly scope: 'gate' | 'edge';
  /** `page` wants somebody now; `ticket` wants somebody in working hours. */
  readonly severity: 'page' | 'ticket';
  /** One sentence for an operator. */
  readonly meaning: string;
}

export const faultCatalogue = {
  'barrier-stuck': {
    scope: 'gate',
    severity: 'page',
    meaning: 'The arm did not reach its limit within the travel time.',
  },
  'barrier-forced': { scope: 'gate', severity: 'page', meaning: 'The arm is open and nobody asked for it.' },
  'held-open': { scope: 'gate', severity: 'ticket', meaning: 'The arm has been open for longer than is usual.' },
  'loop-stuck': {
    scope: 'gate',
    severity: 'ticket',
    meaning: 'A loop has reported a vehicle for too long to be true.',
  },
  'loop-chatter': { scope: 'gate', severity: 'ticket', meaning: 'A loop changes faster than vehicles can.' },
  'loop-dead': { scope: 'gate', severity: 'page', meaning: 'Vehicles are being decided, and the loops stay silent.' },
  'limits-contradict': { scope: 'gate', severity: 'ticket', meaning: 'Both limit switches are active at once.' },
  'driver-failed': { scope: 'gate', severity: 'page', meaning: 'The barrier driver reported an error.' },
  'reader-silent': {
    scope: 'gate',
    severity: 'ticket',
    meaning: 'Vehicles arrive, and the plate reader reads none of them.',
  },
  tamper: { scope: 'gate', severity: 'page', meaning: 'The cabinet door is open.' },
  'fire-input': { scope: 'gate', severity: 'page', meaning: 'The fire input is active; the arm is held open.' },
  'outbox-full': {
    scope: 'edge',
    severity: 'page',
    meaning: 'The edge has no room for another event; entries are closed.',
  },
  'outbox-failing': {
    scope: 'edge',
    severity: 'page',
    meaning: 'The edge cannot write its outbox; entries are closed.',
  },
  'clock-jumped': { scope: 'edge', severity: 'ticket', meaning: 'The wall clock of the edge jumped.' },
} as const satisfies Record<string, FaultDescription>;

export type FaultName = keyof typeof faultCatalogue;

export const faultNames = Object.keys(faultCatalogue) as [FaultName, ...FaultName[]];

export const faultNameSchema = z.enum(faultNames).describe('A fault of the catalogue.');
