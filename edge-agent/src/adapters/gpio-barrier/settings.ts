/** How a barrier is wired to the GPIO lines of a Raspberry Pi or another Linux board. */
import { z } from 'zod';
import { laneInputs } from '../../app/ports.js';
import type { LaneInput } from '../../app/ports.js';
import { gpioBiases } from './access.js';

/** `gpio` chooses: sysfs where the kernel has it and the package `onoff` loads, else the character device. `onoff`: sysfs. */
export const gpioDrivers = ['gpio', 'onoff', 'character-device'] as const;
export type GpioDriver = (typeof gpioDrivers)[number];

const bcmSchema = z.int().min(0).max(1_023).describe('Line number within the chip: the BCM number on a Raspberry Pi.');

const inputSchema = z.strictObject({
  bcm: bcmSchema,
  activeLow: z.boolean().default(false).describe('The input is active when the line is low.'),
  debounceMs: z
    .int()
    .min(0)
    .max(5_000)
    .default(20)
    .describe(
      'How long a change must last. Safety inputs report becoming active at once, and only the end is debounced.',
    ),
  bias: z
    .enum(gpioBiases)
    .default('as-is')
    .describe(
      'How the chip pulls the line. sysfs (driver onoff) cannot set it: leave it as it is, or set driver character-device.',
    ),
});
export type GpioInputSettings = z.output<typeof inputSchema>;

const inputNames = z.enum(laneInputs);

const relay = {
  bcm: bcmSchema,
  activeLow: z.boolean().default(false).describe('The relay draws when the line is low.'),
};

const pulseOrHoldSchema = z.discriminatedUnion('mode', [
  z.strictObject({
    ...relay,
    mode: z.literal('pulse'),
    pulseMs: z.int().min(50).max(5_000).default(500).describe('Controllers want 200 to 1000 ms.'),
  }),
  z.strictObject({ ...relay, mode: z.literal('hold').describe('Active for as long as the arm shall be open.') }),
]);

const lampSchema = z.strictObject(relay);

/** Text for a sign: the program writes one line to a file or a device (for a serial sign, a configured tty). */
const signSchema = z.strictObject({
  path: z
    .string()
    .startsWith('/')
    .max(1_000)
    .describe('A device such as /dev/ttyUSB0, a FIFO, or a file that a sign program watches.'),
  mode: z
    .enum(['append', 'replace'])
    .default('append')
    .describe('append: write a line to a device or FIFO. replace: the file holds the present text only.'),
  lineEnd: z.enum(['\n', '\r\n', '\r']).default('\r\n'),
});
export type SignSettings = z.output<typeof signSchema>;

/** What has to be known to bring outputs to their safe level. */
const safeShape = {
  chipLabel: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Label of the GPIO chip; default: that of a Raspberry Pi, else the only one there is.'),
  outputs: z.strictObject({
    open: pulseOrHoldSchema,
    close: z
      .strictObject({ ...relay, pulseMs: z.int().min(50).max(5_000).default(500) })
      .optional()
      .describe('Leave it out where the controller closes by itself when the open contact is released.'),
    holdOpen: z.strictObject(relay).optional().describe('A contact that keeps the barrier open.'),
    red: lampSchema.optional(),
    green: lampSchema.optional(),
  }),
  safeLamp: z.enum(['red', 'green', 'off']).default('red').describe('Lamp at start and stop.'),
  safeHoldOpen: z
    .boolean()
    .default(false)
    .describe(
      'Whether the barrier is kept open while this program does not run: access first instead of security first.',
    ),
};
/** Of the settings of a barrier, whatever else is in them. */
export const safeSettingsSchema = z.object(safeShape);
export type SafeSettings = z.output<typeof safeSettingsSchema>;

/** Fits settings of which an input has a bias. */
export const biasedInputsSchema = z.object({
  inputs: z
    .record(z.string(), z.object({ bias: z.enum(gpioBiases).default('as-is') }))
    .refine((inputs) => Object.values(inputs).some(({ bias }) => bias !== 'as-is')),
});

export const gpioBarrierSettingsSchema = z
  .strictObject({
    ...safeShape,
    inputs: z
      .partialRecord(inputNames, inputSchema)
      .refine((inputs) => inputs.arming !== undefined || inputs.safety !== undefined, {
        message: 'wire at least one of arming and safety: without a loop no passage can be seen',
      }),
    sign: signSchema.optional(),
  })
  .superRefine((barrier, context) => {
    const users = new Map<number, string>();
    for (const [path, bcm] of linesOf(barrier)) {
      const other = users.get(bcm);
      if (other === undefined) users.set(bcm, path);
      else
        context.addIssue({ code: 'custom', path: path.split('.'), message: `uses line ${String(bcm)} like ${other}` });
    }
  });
export type GpioBarrierSettings = z.output<typeof gpioBarrierSettingsSchema>;

function linesOf(barrier: {
  readonly inputs: Readonly<Partial<Record<LaneInput, { readonly bcm: number }>>>;
  readonly outputs: object;
}): [string, number][] {
  const inputs = Object.entries(barrier.inputs).map(([name, input]): [string, number] => [`inputs.${name}`, input.bcm]);
  const outputs = Object.entries(barrier.outputs as Record<string, { readonly bcm: number } | undefined>).flatMap(
    ([name, output]): [string, number][] => (output === undefined ? [] : [[`outputs.${name}`, output.bcm]]),
  );
  return [...inputs, ...outputs];
}
