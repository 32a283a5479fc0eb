/** A service manager that remembers what it was told, in the words of sd_notify(3). */
import type { ServiceManager } from '../../app/ports.js';
import { noticeText } from '../service-manager/notice.js';

export interface MemoryServiceManager extends ServiceManager {
  /** Oldest first. */
  readonly told: readonly string[];
}

export function createMemoryServiceManager(watchdogMs: number | null = null): MemoryServiceManager {
  const told: string[] = [];
  return {
    watchdogMs,
    told,
    tell(notice) {
      const text = noticeText(notice);
      if (text !== '') told.push(text);
    },
  };
}
