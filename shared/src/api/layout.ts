/** The layout of a site: what an administrator writes with `PUT /api/v1/sites/{siteId}`, and what the site engine runs on. */
import { z } from 'zod';
import { gateDirectionSchema, slotClassSchema, slotLabelSchema, slugSchema } from '../vocabulary.js';

/** Bounds of one site. */
export const layoutLimits = {
  maxZones: 1_000,
  maxSlots: 200_000,
  maxGates: 500,
  maxOpeningPeriods: 50,
  maxAllowanceSlotsPerEdge: 256,
} as const;

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be HH:MM, 00:00 to 24:00');

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export const openingPeriodSchema = z
  .strictObject({ days: z.array(z.enum(weekdays)).min(1).max(7), from: clockTime, to: clockTime })
  .describe(
    'Open on these days from one time to another, in the site’s time zone; `to` before `from` runs past midnight.',
  );
export type OpeningPeriod = z.infer<typeof openingPeriodSchema>;

export const zoneSchema = z.strictObject({
  zoneId: slugSchema,
  name: z.string().min(1).max(80),
  permitOnly: z.boolean().default(false).describe('Only vehicles with a permit for this zone get its slots.'),
});

export const layoutSlotSchema = z.strictObject({
  slotId: slugSchema,
  zoneId: slugSchema,
  label: slotLabelSchema,
  slotClass: slotClassSchema.default('standard'),
});

export const gateSchema = z.strictObject({
  gateId: slugSchema,
  edgeId: slugSchema.describe('The edge agent that runs this gate.'),
  name: z.string().min(1).max(80),
  direction: gateDirectionSchema,
  nearestZones: z
    .array(slugSchema)
    .max(layoutLimits.maxZones)
    .default([])
    .describe('Zones by distance from this gate, nearest first.'),
});

const allowanceShareSchema = z
  .strictObject({
    sharePercent: z
      .number()
      .min(0)
      .max(100)
      .default(20)
      .describe('Share of the free slots that is set aside for the entry edges together; 0 for none.'),
    maxSlotsPerEdge: z
      .int()
      .min(0)
      .max(layoutLimits.maxAllowanceSlotsPerEdge)
      .default(20)
      .describe('Most slots that are set aside for one edge.'),
  })
  .describe('Slots that entry gates may give out by themselves while they are cut off.');

export const siteLayoutSchema = z
  .strictObject({
    siteId: slugSchema,
    name: z.string().min(1).max(80),
    timeZone: z.string().min(1).max(60).refine(isTimeZone, 'must be an IANA time zone').default('UTC'),
    capacity: z
      .int()
      .min(0)
      .max(1_000_000)
      .nullable()
      .default(null)
      .describe('Vehicles the site takes; null for one a slot in service.'),
    openingHours: z
      .array(openingPeriodSchema)
      .max(layoutLimits.maxOpeningPeriods)
      .nullable()
      .default(null)
      .describe('null: always open. Entries outside are denied `closed`; exits always open.'),
    antiPassback: z
      .enum(['off', 'soft', 'hard'])
      .default('soft')
      .describe(
        'A credential that is already inside: `off` admits, `soft` admits, closes the stale session and opens a review, `hard` denies.',
      ),
    permitRequired: z.boolean().default(false).describe('Only vehicles with a permit for this site are admitted.'),
    exitAuthorisation: z
      .boolean()
      .default(false)
      .describe('Exits open only for sessions authorised through the API. Gives up “exits always let people out”.'),
    uncertainAgeLimitHours: z
      .number()
      .min(1)
      .max(24 * 366)
      .default(72)
      .describe('After this a session believed to have left is closed as inferred.'),
    allowance: allowanceShareSchema.prefault({}),
    zones: z.array(zoneSchema).min(1).max(layoutLimits.maxZones),
    slots: z.array(layoutSlotSchema).max(layoutLimits.maxSlots).describe('In order of preference within a zone.'),
    gates: z.array(gateSchema).max(layoutLimits.maxGates),
  })
  .superRefine(checkReferences)
  .describe('A car park: its zones, slots and gates, and the rules of admission.');
export type SiteLayout = z.infer<typeof siteLayoutSchema>;
export type LayoutSlot = z.infer<typeof layoutSlotSchema>;
export type LayoutGate = z.infer<typeof gateSchema>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

interface LayoutReferences {
  zones: { zoneId: string }[];
  slots: { slotId: string; zoneId: string }[];
  gates: { gateId: string; nearestZones: string[] }[];
}

function checkReferences(layout: LayoutReferences, context: z.RefinementCtx): void {
  const complain = (path: PropertyKey[], message: string): void => {
    context.addIssue({ code: 'custom', path, message });
  };
  const zones = new Set<string>();
  layout.zones.forEach(({ zoneId }, index) => {
    if (zones.has(zoneId)) complain(['zones', index, 'zoneId'], `"${zoneId}" is there twice`);
    zones.add(zoneId);
  });
  const slots = new Set<string>();
  layout.slots.forEach(({ slotId, zoneId }, index) => {
    if (slots.has(slotId)) complain(['slots', index, 'slotId'], `"${slotId}" is there twice`);
    slots.add(slotId);
    if (!zones.has(zoneId)) complain(['slots', index, 'zoneId'], `no zone "${zoneId}" in this layout`);
  });
  const gates = new Set<string>();
  layout.gates.forEach(({ gateId, nearestZones }, index) => {
    if (gates.has(gateId)) complain(['gates', index, 'gateId'], `"${gateId}" is there twice`);
    gates.add(gateId);
    nearestZones.forEach((zoneId, at) => {
      if (!zones.has(zoneId)) complain(['gates', index, 'nearestZones', at], `no zone "${zoneId}" in this layout`);
    });
  });
}
