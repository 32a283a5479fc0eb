/** What a stage looks like where it does not come to its end: enough to see who waits for whom. */
import { messageOf } from '@gatehouse/shared';
import type { Stage } from './stage.js';

interface EdgeView {
  readonly online: boolean;
  readonly lastSeenAt: string | null;
  readonly outboxEvents: number | null;
  readonly faults: readonly string[];
  readonly allowance: unknown;
}

const lastWordsChars = 1_500;

/** Never throws: what cannot be asked any more is said instead. */
export async function situationOf({ system, siteId, edgeIds, supervisor, traffic }: Stage): Promise<string[]> {
  const asked = async (what: string, answer: () => Promise<unknown>): Promise<string> => {
    try {
      return `${what}: ${JSON.stringify(await answer())}`;
    } catch (error) {
      return `${what}: ${messageOf(error)}`;
    }
  };
  return [
    await asked('occupancy', () => system.api('GET', `/api/v1/sites/${siteId}/occupancy`)),
    await asked('open reviews', async () => {
      const reviews = await system.list<{ kind: string; edgeId: string | null; gateId: string | null }>(
        `/api/v1/sites/${siteId}/reviews?open=true`,
      );
      return reviews.map(({ kind, edgeId, gateId }) => [kind, gateId ?? edgeId ?? siteId].join(' '));
    }),
    ...(await Promise.all(
      edgeIds.map((edgeId) =>
        asked(edgeId, async () => {
          const view = await system.api<EdgeView & Record<string, unknown>>('GET', `/api/v1/edges/${edgeId}`);
          const { online, lastSeenAt, outboxEvents, faults, allowance } = view;
          return { online, lastSeenAt, outboxEvents, faults, allowance };
        }),
      ),
    )),
    `traffic: ${JSON.stringify({ passed: traffic.passed, inside: traffic.inside.length, target: traffic.target, turnedAway: traffic.turnedAway })}`,
    ...supervisor.lastWords(lastWordsChars),
  ];
}
