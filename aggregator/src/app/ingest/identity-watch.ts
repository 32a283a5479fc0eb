/** Notices when two running agents use one identity: each start draws a new instance, so an older one that comes back lives on. */

export interface IdentityWatch {
  /** Answers whether this message shows two instances alternating. */
  onInstance(instance: string, monoMs: number): boolean;
  /** Whether an alarm is due; at most one a period. Call `onAlarm` once it is stored. */
  isAlarmDue(monoMs: number): boolean;
  onAlarm(monoMs: number): void;
}

/** Instances remembered of one edge. */
const maxInstances = 16;
/** What an older instance had under way may come late, once; this many returns in a period do not happen by lateness. */
const returnsThatAlarm = 2;

export function createIdentityWatch(periodMs: number): IdentityWatch {
  /** In the order they were first seen. */
  const seen: string[] = [];
  let current: string | null = null;
  let returnedAtMs: number[] = [];
  let alarmedAtMs: number | null = null;
  return {
    onInstance(instance, monoMs) {
      if (instance === current) return false;
      current = instance;
      if (!seen.includes(instance)) {
        seen.push(instance);
        if (seen.length > maxInstances) seen.shift();
        return false;
      }
      if (instance === seen.at(-1)) return false;
      returnedAtMs = [...returnedAtMs.filter((at) => monoMs - at < periodMs), monoMs].slice(-returnsThatAlarm);
      return returnedAtMs.length >= returnsThatAlarm;
    },
    isAlarmDue: (monoMs) => alarmedAtMs === null || monoMs - alarmedAtMs >= periodMs,
    onAlarm(monoMs) {
      alarmedAtMs = monoMs;
    },
  };
}
