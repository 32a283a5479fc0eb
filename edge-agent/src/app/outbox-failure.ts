/** What an error of the outbox means. */
import type { RecorderFailure } from './loss.js';
import { OutboxError } from './ports.js';

export function failureOf(error: unknown): RecorderFailure {
  return error instanceof OutboxError && error.code === 'full' ? 'outbox-full' : 'outbox-failing';
}
