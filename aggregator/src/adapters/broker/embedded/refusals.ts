/** Counts what the broker refused, by reason, and logs it without letting a hostile client fill the log. */
import type { Clock, Logger } from '@gatehouse/shared';

export const refusalReasons = [
  'not-mqtt',
  'packet-too-long',
  'slow-reader',
  'authentication-timeout',
  'too-many-connections',
  'too-many-from-address',
  'too-many-unauthenticated',
  'credentials',
  'client-id',
  'will-topic',
  'publish-topic',
  'subscribe-filter',
  'too-many-subscriptions',
  'too-many-retained',
  'protocol',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

export interface Refusals {
  record(reason: RefusalReason, fields: Readonly<Record<string, unknown>>): void;
  counts(): Readonly<Record<RefusalReason, number>>;
}

/** One line a reason in this time, ms. */
const logIntervalMs = 10_000;

export function createRefusals(logger: Logger, clock: Pick<Clock, 'monoMs'>): Refusals {
  const counts = Object.fromEntries(refusalReasons.map((reason) => [reason, 0])) as Record<RefusalReason, number>;
  const loggedAtMs = new Map<RefusalReason, number>();
  return {
    record(reason, fields) {
      counts[reason] += 1;
      const nowMs = clock.monoMs();
      const lastMs = loggedAtMs.get(reason);
      if (lastMs !== undefined && nowMs - lastMs < logIntervalMs) return;
      loggedAtMs.set(reason, nowMs);
      logger.warn({ ...fields, reason, count: counts[reason] }, `MQTT broker refused: ${reason}`);
    },
    counts: () => ({ ...counts }),
  };
}
