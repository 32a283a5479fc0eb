/** Sites, their occupancy and corrections of the count. */
import { z } from 'zod';
import { gateDirectionSchema, slotClassSchema, slugSchema } from '../vocabulary.js';
import { instantSchema, pageSchema, reasonSchema } from './common.js';
import { siteLayoutSchema } from './layout.js';

const layoutExample = {
  siteId: 'harbour',
  name: 'Harbour car park',
  timeZone: 'Europe/London',
  capacity: null,
  openingHours: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '06:00', to: '23:00' }],
  antiPassback: 'soft',
  permitRequired: false,
  exitAuthorisation: false,
  uncertainAgeLimitHours: 72,
  allowance: { sharePercent: 20, maxSlotsPerEdge: 20 },
  zones: [{ zoneId: 'a', name: 'Level A', permitOnly: false }],
  slots: [{ slotId: 'a-1', zoneId: 'a', label: 'A1', slotClass: 'standard' }],
  gates: [
    { gateId: 'entry-1', edgeId: 'harbour-north', name: 'North entry', direction: 'entry', nearestZones: ['a'] },
    { gateId: 'exit-1', edgeId: 'harbour-north', name: 'North exit', direction: 'exit', nearestZones: [] },
  ],
} satisfies z.input<typeof siteLayoutSchema>;

export const siteLayoutRequestSchema = siteLayoutSchema.meta({
  id: 'SiteLayout',
  description: 'A car park: its zones, slots and gates, and the rules of admission.',
  examples: [layoutExample],
});

const retiredGateSchema = z
  .strictObject({
    gateId: slugSchema,
    edgeId: slugSchema,
    name: z.string(),
    direction: gateDirectionSchema,
    removedAt: instantSchema,
    drained: z.boolean().describe('Since then the edge has told everything that it had written: nothing is missing.'),
  })
  .meta({
    id: 'RetiredGate',
    description:
      'A gate that a layout removed, or gave to another edge. What its edge still reports of it is counted; nothing is decided there any more. Put a layout with this gate and edge to have it back.',
    examples: [
      {
        gateId: 'entry-2',
        edgeId: 'harbour-south',
        name: 'South entry',
        direction: 'entry',
        removedAt: '2025-03-01T08:15:00.000Z',
        drained: true,
      },
    ],
  });

export const siteSchema = z
  .strictObject({
    siteId: slugSchema,
    version: z.int().min(1).describe('Rises with each change of the layout; also its ETag.'),
    layout: siteLayoutRequestSchema,
    retiredGates: z.array(retiredGateSchema).describe('Oldest first; at most 1,000.'),
  })
  .meta({
    id: 'Site',
    description: 'A site and its layout.',
    examples: [{ siteId: 'harbour', version: 3, layout: layoutExample, retiredGates: [] }],
  });
export type SiteResource = z.infer<typeof siteSchema>;

export const siteSummarySchema = z
  .strictObject({
    siteId: slugSchema,
    name: z.string(),
    timeZone: z.string(),
    version: z.int().min(1),
    slots: z.int().min(0),
    gates: z.int().min(0),
  })
  .meta({
    id: 'SiteSummary',
    description: 'A site in a list.',
    examples: [
      { siteId: 'harbour', name: 'Harbour car park', timeZone: 'Europe/London', version: 3, slots: 60, gates: 4 },
    ],
  });
export const siteListSchema = pageSchema('SiteList', siteSummarySchema, 'Sites by id.');

const freeOfTotal = { free: z.int().min(0), total: z.int().min(0) };
const slotCount = z.int().min(0);

export const siteOccupancySchema = z
  .strictObject({
    siteId: slugSchema,
    at: instantSchema,
    capacity: slotCount,
    free: slotCount.describe('Vehicles that would still be admitted.'),
    vehiclesInside: slotCount.describe('By passages.'),
    sessionsOpen: slotCount.describe('By identity.'),
    sessionsUncertain: slotCount.describe('Sessions believed to have ended with an exit that nobody could match.'),
    drift: z.int().describe('Vehicles counted minus sessions open.'),
    entriesTotal: slotCount,
    exitsTotal: slotCount,
    reviewsOpen: slotCount,
    recovering: z.boolean().describe('Free slots stay back until every entry edge has reported after a restore.'),
    slots: z.strictObject({
      free: slotCount,
      reserved: slotCount,
      occupied: slotCount,
      held: slotCount,
      outOfService: slotCount,
    }),
    zones: z.array(z.strictObject({ zoneId: slugSchema, ...freeOfTotal })),
    classes: z.array(z.strictObject({ slotClass: slotClassSchema, ...freeOfTotal })),
  })
  .meta({
    id: 'SiteOccupancy',
    description: 'How full a site is, by both ledgers.',
    examples: [
      {
        siteId: 'harbour',
        at: '2025-03-01T08:15:00.000Z',
        capacity: 60,
        free: 21,
        vehiclesInside: 38,
        sessionsOpen: 38,
        sessionsUncertain: 0,
        drift: 0,
        entriesTotal: 412,
        exitsTotal: 374,
        reviewsOpen: 1,
        recovering: false,
        slots: { free: 21, reserved: 1, occupied: 38, held: 0, outOfService: 0 },
        zones: [{ zoneId: 'a', free: 21, total: 60 }],
        classes: [{ slotClass: 'standard', free: 21, total: 60 }],
      },
    ],
  });
export type SiteOccupancyResource = z.infer<typeof siteOccupancySchema>;
export const occupancyListSchema = pageSchema(
  'OccupancyList',
  siteOccupancySchema,
  'The occupancy of each site, by id.',
);

export const countCorrectionRequestSchema = z
  .strictObject({ count: z.int().min(0).max(1_000_000), reason: reasonSchema })
  .meta({
    id: 'CountCorrectionRequest',
    description: 'How many vehicles are inside in truth.',
    examples: [{ count: 37, reason: 'Counted on foot' }],
  });
