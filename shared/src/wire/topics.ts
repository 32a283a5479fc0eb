/** Topics: `gatehouse/v1/{siteId}/{edgeId}/{channel}` and `gatehouse/v1/{siteId}/occupancy`. Built and parsed here only. */
import { slugPattern, slugSchema } from '../vocabulary.js';

const prefix = 'gatehouse/v1';

export const edgeToCentreChannels = ['state', 'events', 'log'] as const;
export const centreToEdgeChannels = ['acks', 'decisions', 'commands', 'allowance', 'log-requests'] as const;
export type EdgeToCentreChannel = (typeof edgeToCentreChannels)[number];
export type CentreToEdgeChannel = (typeof centreToEdgeChannels)[number];
export type EdgeChannel = EdgeToCentreChannel | CentreToEdgeChannel;

/** For diagnosis alone: where a broker refuses these, everything else goes on without them. */
const diagnosticChannels = ['log', 'log-requests'] as const satisfies readonly EdgeChannel[];

const edgeChannels: readonly string[] = [...edgeToCentreChannels, ...centreToEdgeChannels];

export type ParsedTopic =
  | { readonly type: 'edge'; readonly siteId: string; readonly edgeId: string; readonly channel: EdgeChannel }
  | { readonly type: 'occupancy'; readonly siteId: string };

/** The topic of one channel of one edge. */
export function edgeTopic(siteId: string, edgeId: string, channel: EdgeChannel): string {
  return `${prefix}/${slug(siteId)}/${slug(edgeId)}/${channel}`;
}

/** The topic of a site's retained occupancy. */
export function occupancyTopic(siteId: string): string {
  return `${prefix}/${slugSchema.parse(siteId)}/occupancy`;
}

/** The filters the aggregator listens on. */
export const centreFilters: readonly string[] = edgeToCentreChannels.map((channel) => `${prefix}/+/+/${channel}`);

/** Whether a topic, or a filter, ends in a channel that is for diagnosis alone. */
export function isDiagnostic(topic: string): boolean {
  return diagnosticChannels.some((channel) => topic.endsWith(`/${channel}`));
}

/** The filter under which everything of one site can be read. */
export function siteFilter(siteId: string): string {
  return `${prefix}/${slugSchema.parse(siteId)}/#`;
}

/** The parts of a topic of ours, or undefined for any other topic. */
export function parseTopic(topic: string): ParsedTopic | undefined {
  if (topic.length > 200) return undefined;
  if (!topic.startsWith(`${prefix}/`)) return undefined;
  const siteEnd = topic.indexOf('/', prefix.length + 1);
  if (siteEnd < 0) return undefined;
  const siteId = topic.slice(prefix.length + 1, siteEnd);
  const secondEnd = topic.indexOf('/', siteEnd + 1);
  const second = secondEnd < 0 ? topic.slice(siteEnd + 1) : topic.slice(siteEnd + 1, secondEnd);
  if (!isSlug(siteId) || !isSlug(second)) return undefined;
  if (secondEnd < 0) return second === 'occupancy' ? { type: 'occupancy', siteId } : undefined;
  const channel = topic.slice(secondEnd + 1);
  if (!edgeChannels.includes(channel)) return undefined;
  return { type: 'edge', siteId, edgeId: second, channel: channel as EdgeChannel };
}

/** Topics come and go with every message: the pattern alone is far cheaper than the schema, which says more when it refuses. */
function isSlug(text: string): boolean {
  return slugPattern.test(text);
}

function slug(text: string): string {
  return isSlug(text) ? text : slugSchema.parse(text);
}
