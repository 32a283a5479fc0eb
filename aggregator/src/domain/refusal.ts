/** A request that cannot be granted as things are: the caller is told why, and nothing has changed. */

export const refusalCodes = [
  'site-unknown',
  'slot-unknown',
  'session-unknown',
  'arrival-unknown',
  'review-unknown',
  'gate-unknown',
  'edge-unknown',
  'vehicle-unknown',
  'key-unknown',
  'quarantine-unknown',
  'site-full',
  'slot-not-free',
  'slot-already-free',
  'slot-reserved',
  'slot-held',
  'slot-out-of-service',
  'slot-occupied',
  'class-does-not-fit',
  'already-parked',
  'arrival-ended',
  'already-admitted',
  'session-not-open',
  'session-open',
  'review-resolved',
  'time-order',
  'recovering',
  'version-mismatch',
  'layout-removes-occupied-slot',
  'layout-removes-gate-in-use',
  'gate-offline',
  'gate-is-elsewhere',
  'vehicle-exists',
  'edge-exists',
  'edge-revoked',
  'code-invalid',
  'nothing-to-release',
  'bound-reached',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** The member of the request that it is about, if one is. */
  readonly field: string | undefined;

  constructor(code: RefusalCode, message: string, field?: string) {
    super(message);
    this.code = code;
    this.field = field;
  }
}
