/** Waiting for something to become true, with a deadline. */

export const deadlineMs = 30_000;

const pollMs = 25;

/** Calls `check` until it answers something other than undefined, null or false; fails with `what` after the deadline. */
export async function until<T>(
  what: string,
  check: () => Promise<T> | T,
  limitMs = deadlineMs,
): Promise<Exclude<T, undefined | null | false>> {
  const endAtMs = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < endAtMs) {
    try {
      const found = await check();
      if (found !== undefined && found !== null && found !== false)
        return found as Exclude<T, undefined | null | false>;
      last = found;
    } catch (error) {
      last = error;
    }
    await delay(pollMs);
  }
  throw new Error(
    `${what}: not within ${String(limitMs)} ms (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`,
  );
}

/** Lets real time go by. For rhythms and instants that were drawn, never for luck. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
