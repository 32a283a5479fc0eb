/**
 * Lets old entries of the audit log go without breaking its chain: an entry is appended that names the last one to go and its hash,
 * and only when that is stored are they deleted, a few at a time.
 */
import type { AggregatorStore } from './ports.js';
import { maxCutRows } from './turn/audit-chain.js';
import type { AuditCut } from './turn/audit-chain.js';

export interface AuditCutter {
  /** Deletes up to `maxRows` entries of a recorded cut, or looks whether one is due for entries older than `beforeMs`. */
  step(beforeMs: number, maxRows: number): Promise<{ readonly rows: number; readonly isMore: boolean }>;
  /** The log says now that these entries go. */
  onRecorded(cut: AuditCut): void;
}

export interface AuditCutterPorts {
  readonly store: Pick<AggregatorStore, 'findOldAudit' | 'pruneAudit'>;
  /** Appends the entry; `onRecorded` is called when it is durable. */
  readonly record: (cut: AuditCut) => void;
}

const dayMs = 86_400_000;

export function createAuditCutter({ store, record }: AuditCutterPorts): AuditCutter {
  let current: AuditCut | null = null;

  /** Each cut adds an entry: few at a time would only make the log longer. */
  const isDue = (rows: number, firstAtMs: number, beforeMs: number): boolean =>
    rows >= maxCutRows || (rows > 1 && firstAtMs < beforeMs - dayMs);

  return {
    async step(beforeMs, maxRows) {
      if (current !== null) {
        const rows = await store.pruneAudit(current.upTo, maxRows);
        if (rows < maxRows) current = null;
        return { rows, isMore: true };
      }
      const old = await store.findOldAudit(beforeMs, maxCutRows);
      if (old !== null && isDue(old.rows, old.firstAtMs, beforeMs)) {
        record({ upTo: old.upTo, hash: old.hash, rows: old.rows, beforeMs });
      }
      return { rows: 0, isMore: false };
    },
    onRecorded(cut) {
      current = cut;
    },
  };
}
