/**
 * Lets old entries of the audit log go without breaking its chain: an entry is appended that names the last one to go and its hash,
 * and only when that is stored are they deleted, a few at a time.
 */
import type { AggregatorStore, OldAudit } from './ports.js';
import { maxCutRows } from './turn/audit-chain.js';
import type { AuditCut } from './turn/audit-chain.js';

export interface AuditCutter {
  /** Deletes up to `maxRows` entries of a recorded cut, or looks whether one is due for entries older than `beforeMs`. */
  step(beforeMs: number, maxRows: number): Promise<{ readonly rows: number; readonly isMore: boolean }>;
}

export interface AuditCutterPorts {
  readonly store: Pick<AggregatorStore, 'findOldAudit' | 'pruneAudit'>;
  /** Appends the entry; calls `onEnd` once, with whether it is durable. */
  readonly record: (cut: AuditCut, onEnd: (isStored: boolean) => void) => void;
  /** A cut is recorded: there is something to delete. */
  readonly onReady: () => void;
}

const dayMs = 86_400_000;

export function createAuditCutter({ store, record, onReady }: AuditCutterPorts): AuditCutter {
  let current: AuditCut | null = null;
  let isRecording = false;

  /** Each cut adds an entry: few at a time would only make the log longer. */
  const isDue = ({ rows, firstAtMs }: OldAudit, beforeMs: number): boolean =>
    rows >= maxCutRows || (rows > 1 && firstAtMs < beforeMs - dayMs);

  const begin = (cut: AuditCut): void => {
    isRecording = true;
    record(cut, (isStored) => {
      isRecording = false;
      if (!isStored) return;
      current = cut;
      onReady();
    });
  };

  return {
    async step(beforeMs, maxRows) {
      if (current !== null) {
        const rows = await store.pruneAudit(current.upTo, maxRows);
        if (rows < maxRows) current = null;
        return { rows, isMore: true };
      }
      // The entry may wait for a disk that is full.
      if (isRecording) return { rows: 0, isMore: false };
      const old = await store.findOldAudit(beforeMs, maxCutRows);
      if (old !== null && isDue(old, beforeMs)) begin({ upTo: old.upTo, hash: old.hash, rows: old.rows, beforeMs });
      return { rows: 0, isMore: false };
    },
  };
}
