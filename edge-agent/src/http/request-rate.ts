/** How often each address may ask. Of more addresses than are remembered, the one that began first is forgotten. */

export interface RequestRate {
  /** Counts one request. Answers 0, or in how many ms the address may ask again. */
  admit(address: string, nowMs: number): number;
}

export interface RequestRateBounds {
  /** Of one address, in a window that begins with its first. */
  readonly maxRequests: number;
  readonly windowMs: number;
  readonly maxAddresses: number;
}

export function createRequestRate({ maxRequests, windowMs, maxAddresses }: RequestRateBounds): RequestRate {
  const windows = new Map<string, { readonly beginMs: number; requests: number }>();
  return {
    admit(address, nowMs) {
      const present = windows.get(address);
      if (present !== undefined && nowMs - present.beginMs < windowMs) {
        present.requests += 1;
        return present.requests > maxRequests ? present.beginMs + windowMs - nowMs : 0;
      }
      // Deleted before it is set, so that windows lie in the order in which they began.
      windows.delete(address);
      windows.set(address, { beginMs: nowMs, requests: 1 });
      if (windows.size > maxAddresses) {
        for (const oldest of windows.keys()) {
          windows.delete(oldest);
          break;
        }
      }
      return 0;
    },
  };
}
