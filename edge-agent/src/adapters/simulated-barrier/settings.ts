/** What a simulated lane is like. Lengths in metres, times in milliseconds of the lane's clock. */
import { z } from 'zod';

const metres = (min: number, max: number, by: number) => z.number().min(min).max(max).default(by);
const milliseconds = (max: number, by: number) => z.int().min(0).max(max).default(by);
const rate = (by: number) => z.number().min(0).max(1).default(by);

/** Rates as measured on pictures of security cameras: of 861 plates 8 were not read at all, 81 of the others wrongly, 66 of those with `?`. */
export const plateReaderSettingsSchema = z
  .strictObject({
    source: z.string().min(1).max(63).default('camera').describe('Name of the reader in the credential.'),
    earliestMs: z
      .int()
      .min(-2_000)
      .max(10_000)
      .default(-300)
      .describe('Read before (below 0) or after the arming loop.'),
    latestMs: z.int().min(-2_000).max(10_000).default(500),
    readsPerVehicle: z.int().min(1).max(10).default(1),
    noReadRate: rate(8 / 861),
    misreadRate: rate(81 / 853),
    markedShare: rate(66 / 81).describe('Share of the misreads in which unsure characters are marked `?`.'),
  })
  .refine((reader) => reader.latestMs >= reader.earliestMs, {
    path: ['latestMs'],
    message: 'must not be before earliestMs',
  });
export type PlateReaderSettings = z.infer<typeof plateReaderSettingsSchema>;

export const simulatedLaneSettingsSchema = z.strictObject({
  armingLoopM: metres(0.5, 3, 1.5).describe('Length of loop A along the lane; A begins at 0.'),
  loopGapM: metres(0.2, 6, 1.5).describe('From the end of A to the beginning of B.'),
  safetyLoopM: metres(0.5, 3, 1.5),
  armAfterSafetyStartM: metres(-1, 3, 0.2).describe('Where the arm is, from the beginning of B.'),
  armOpenMs: milliseconds(30_000, 1_800),
  armCloseMs: milliseconds(30_000, 2_200),
  detectorResponseMs: milliseconds(2_000, 100).describe('How late a loop detector reports.'),
  minSpeedKmh: z.number().min(1).max(50).default(5),
  maxSpeedKmh: z.number().min(1).max(50).default(20),
  minReactionMs: milliseconds(10_000, 400),
  maxReactionMs: milliseconds(10_000, 1_000),
  headwayM: metres(0.5, 50, 2).describe('Where the next vehicle waits, before A.'),
  tailgateGapM: metres(0.3, 10, 2),
  patienceMs: milliseconds(3_600_000, 60_000).describe('How long a vehicle waits at a closed arm.'),
  signPatienceMs: milliseconds(3_600_000, 8_000).describe('How long it waits on once the sign has told it something.'),
  turnAwayMs: milliseconds(60_000, 3_000).describe(
    'How long a vehicle that goes back is in the way of the one behind it.',
  ),
  closesUp: z
    .boolean()
    .default(false)
    .describe('Whether the next vehicle drives onto the arming loop as soon as the one before has left it.'),
  chatterPeriodMs: z.int().min(10).max(10_000).default(150),
  powerCutArm: z.enum(['stays', 'drops', 'opens']).default('stays').describe('What the arm does without power.'),
  maxQueuedVehicles: z.int().min(1).max(100_000).default(1_000),
  reader: plateReaderSettingsSchema.default(() => plateReaderSettingsSchema.parse({})),
});
export type SimulatedLaneSettings = z.infer<typeof simulatedLaneSettingsSchema>;

export const vehicleBehaviours = [
  'pass',
  'back-out',
  'reverse-between',
  'reverse-half-way',
  'tailgate',
  'wrong-way',
  'force',
] as const;
/** `reverse-between`: turns back before it reaches the safety loop. `force`: pushes the arm up when it is not let through. */
export type VehicleBehaviour = (typeof vehicleBehaviours)[number];

/** A vehicle sent to a lane. */
export const vehicleOrderSchema = z.strictObject({
  plate: z
    .string()
    .trim()
    .min(1)
    .max(32)
    .nullable()
    .default(null)
    .describe('Its plate; null for none that can be read.'),
  vehicleClass: z.enum(['standard', 'ev', 'accessible', 'motorcycle', 'large']).default('standard'),
  lengthM: z
    .number()
    .min(1.5)
    .max(25)
    .optional()
    .describe('Default: by class, 3.5 to 6 m, motorcycle 2.2 m, large 12 m.'),
  trailer: z
    .boolean()
    .default(false)
    .describe('With a drawbar that a loop does not see; 12 m unless lengthM says otherwise.'),
  speedKmh: z.number().min(1).max(50).optional(),
  behaviour: z.enum(vehicleBehaviours).default('pass'),
  fromFarSide: z.boolean().default(false).describe('At a gate for both directions: it leaves the site.'),
  patienceMs: z.int().min(0).max(3_600_000).optional(),
  label: z.string().max(100).optional().describe('Given back in the outcome, for whoever sent it.'),
});
export type VehicleOrder = z.infer<typeof vehicleOrderSchema>;
export type VehicleOrderInput = z.input<typeof vehicleOrderSchema>;

export const vehicleOutcomes = [
  'passed',
  'denied-left',
  'backed-out',
  'tailgated',
  'forced',
  'wrong-way',
  'wrong-way-left',
] as const;
export type VehicleOutcome = (typeof vehicleOutcomes)[number];

export const simulatedFaults = [
  'arming-stuck',
  'arming-dead',
  'arming-chatter',
  'safety-stuck',
  'safety-dead',
  'safety-chatter',
  'arm-stuck',
  'limits-lost',
  'reader-silent',
  'fire',
  'tamper',
] as const;
/** What can be made wrong at a simulated lane. `fire` and `tamper` set those inputs. */
export const simulatedFaultSchema = z.enum(simulatedFaults);
export type SimulatedFault = z.infer<typeof simulatedFaultSchema>;
