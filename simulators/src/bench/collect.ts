/**
 * Loaded before a program whose memory is measured: SIGUSR2 collects its garbage, so that memory in use is compared, and not what the
 * collector has not come to yet. Changes nothing else.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
process.on('SIGUSR2', () => {
  // Twice: what the first run frees by finalizers is gone after the second.
  collect();
  collect();
});
