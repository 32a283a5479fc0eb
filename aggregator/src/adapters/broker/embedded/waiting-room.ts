/**
 * Where connections wait until they have shown a credential. It has few places; when they are taken, whoever comes from an address
 * that has fewer of them than another gets the place of the longest-waiting one of that other: a crowd from one address keeps
 * nobody else out.
 */

export interface WaitingRoom<T> {
  readonly size: number;
  /** Makes room for one more from `address`. Answers false when there is none; then it must not enter. */
  makeRoom(address: string): boolean;
  enter(address: string, occupant: T): void;
  /** May be called for one that has left already. */
  leave(address: string, occupant: T): void;
}

/** `onTurnedOut` is called for one who has to go; it has left then. */
export function createWaitingRoom<T>(places: number, onTurnedOut: (occupant: T) => void): WaitingRoom<T> {
  /** In the order they came. */
  const byAddress = new Map<string, Set<T>>();
  let size = 0;

  const leave = (address: string, occupant: T): void => {
    const occupants = byAddress.get(address);
    if (occupants?.delete(occupant) !== true) return;
    size -= 1;
    if (occupants.size === 0) byAddress.delete(address);
  };

  const mostCrowded = (): [string, Set<T>] | undefined => {
    let most: [string, Set<T>] | undefined;
    for (const entry of byAddress) if (most === undefined || entry[1].size > most[1].size) most = entry;
    return most;
  };

  return {
    get size() {
      return size;
    },
    makeRoom(address) {
      if (size < places) return true;
      const [crowded, occupants] = mostCrowded() ?? [];
      const [oldest] = occupants ?? [];
      const fromThere = byAddress.get(address)?.size ?? 0;
      if (crowded === undefined || oldest === undefined || (occupants?.size ?? 0) <= fromThere + 1) return false;
      leave(crowded, oldest);
      onTurnedOut(oldest);
      return true;
    },
    enter(address, occupant) {
      const occupants = byAddress.get(address) ?? new Set();
      byAddress.set(address, occupants.add(occupant));
      size += 1;
    },
    leave,
  };
}
