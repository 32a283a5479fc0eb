/** Settings of the recording of inputs. */
import { z } from 'zod';

const mebibyte = 1024 * 1024;

export const recordingSettingsSchema = z.strictObject({
  file: z
    .string()
    .min(1)
    .max(1_000)
    .describe('The file that is written; the one before it is kept beside it, with `.1` after its name.'),
  maxBytes: z
    .int()
    .min(mebibyte / 4)
    .max(1024 * mebibyte)
    .default(8 * mebibyte)
    .describe('Of both files together, at most; the oldest goes first.'),
});
